// Draws the table of tweets over time as bars.

import { chart } from "./charts.js";

const table = document.getElementById("over-time");
if (table) {
  const read = (selector, value) => [...table.querySelectorAll(selector)].map(value);
  const days = read("tbody time", (each) => Date.parse(each.dateTime) / 1000);
  const tweets = read("tbody data", (each) => Number(each.value));
  const whole = new Intl.NumberFormat("en");
  chart(document.getElementById("over-time-chart"), [days, tweets], {
    name: "Tweets",
    format: (value) => (Number.isInteger(value) ? whole.format(value) : ""),
    bars: table.dataset.unit,
  });
}
