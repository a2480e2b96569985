"""The page that previews a mapping: rows of a real table, by the portal's own account."""

from __future__ import annotations

import html
import json
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

import pytest
from django.conf import settings
from django.test import Client, override_settings

from cdc_sandbox.servers import MySQLServer
from portal.accounts.roles import Role
from portal.dashboards.preview import asking, drawing
from portal.dashboards.preview.forms import MOST_KILOBYTES
from tests.portal.support.flavours import one_flavour
from tests.portal.support.people import PASSWORD, person
from tests.portal.support.soundness import assert_sound

flavour = one_flavour

PAGE = "/replication/preview/"
DRAWN = "/replication/preview/drawn/"
SECRET = "a well kept secret"
BUSY_SECONDS = 90
"""A preview on a machine that does much else."""


@dataclass
class Project:
    """A stream's files over a table of two people, in the portal's database."""

    folder: Path
    schema: str
    table: str

    @property
    def source(self) -> str:
        return f"{self.schema}.{self.table}"

    def mapping(self, *lines: str) -> str:
        return "\n".join((f"source: {self.source}", "target: people", *lines, ""))

    def write(self, name: str, text: str) -> None:
        (self.folder / "mappings" / name).write_text(text, encoding="utf-8")


@pytest.fixture
def project(
    client: Client, tables: MySQLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    monkeypatch.setattr(asking, "SECONDS", BUSY_SECONDS)
    schema, table = settings.DATABASES["default"]["NAME"], f"people_{uuid.uuid4().hex[:8]}"
    made = Project(tmp_path, schema, table)
    tables.execute(
        f"CREATE TABLE {made.source} (id INT PRIMARY KEY, name VARCHAR(40), mail VARCHAR(40),"
        " born DATE, password VARCHAR(40), extra TEXT)"
    )
    tables.execute(
        f"INSERT INTO {made.source} VALUES (1, 'Ana <b>', 'ana@x', '1990-05-06', '{SECRET}', NULL),"
        f" (2, 'Bo', 'bo@x', NULL, '{SECRET}', NULL)"
    )
    (tmp_path / "mappings").mkdir()
    made.write("people.yaml", made.mapping("exclude: [password]"))
    configuration = {
        "name": "previewed",
        "source": {"host": "nowhere.invalid", "user": "cdc", "password": SECRET},
        "target": {"uri": f"mongodb://cdc:{SECRET}@nowhere.invalid/", "database": "d"},
        "mappings": ["mappings/*.yaml"],
    }
    (tmp_path / "cdc.yaml").write_text(json.dumps(configuration))
    with override_settings(CDC_CONFIG=str(tmp_path / "cdc.yaml"), CDC_NAME="previewed"):
        yield made
    tables.execute(f"DROP TABLE {made.source}")


@pytest.fixture
def with_key(project: Project) -> None:
    """The stream's configuration has a key for hashes."""
    path = project.folder / "cdc.yaml"
    path.write_text(json.dumps({**json.loads(path.read_text()), "mask_key": SECRET}))


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(person("tess", Role.TECHNICAL_WORKER))
    return client


def page(client: Client, query: str = "") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return sound(answer.content.decode())


def preview(client: Client, text: str, *, status: int = 200, path: str = PAGE, **more: str) -> str:
    """What the page shows of a text."""
    sent = {"mapping": "mappings/people.yaml", "rows": "5", "text": text, **more}
    answer = client.post(path, {name: value for name, value in sent.items() if value != "-"})
    assert answer.status_code == status
    return sound(answer.content.decode())


def sound(shown: str) -> str:
    assert SECRET not in shown
    assert "nowhere.invalid" not in shown
    return shown


def documents(shown: str) -> list[dict[str, object]]:
    pairs = re.findall(r"(?s)<article.*?</article>", shown)
    found = [re.findall(r"(?s)<pre>(.*?)</pre>", pair) for pair in pairs]
    return [json.loads(html.unescape(one)) for each in found for one in each]


def mistakes(shown: str) -> list[str]:
    found = re.findall(r'<strong class="place">(.*?)</strong> (.*?)</p>', shown)
    return [html.unescape(": ".join(each)) for each in found]


def typed(shown: str) -> str:
    [text] = re.findall(r"(?s)<textarea[^>]*>\n?(.*?)</textarea>", shown)
    return html.unescape(text)


class TestFile:
    def test_rows_stand_beside_what_the_file_makes_of_them(
        self, client: Client, project: Project
    ) -> None:
        shown = page(client)

        assert typed(shown) == project.mapping("exclude: [password]")
        assert "By the mapping's file." in shown
        assert f"{project.source} → people (mappings/people.yaml)" in shown
        assert "<div><dt>name</dt><dd>&quot;Ana &lt;b&gt;&quot;</dd></div>" in shown
        assert '<div><dt>password</dt><dd class="muted">***</dd></div>' in shown
        assert documents(shown)[0] == {
            "_id": 1,
            "name": "Ana <b>",
            "mail": "ana@x",
            "born": {"$date": "1990-05-06T00:00:00Z"},
            "extra": None,
        }

    def test_a_large_document_is_cut(
        self, client: Client, project: Project, tables: MySQLServer
    ) -> None:
        tables.execute(f"UPDATE {project.source} SET extra = REPEAT('x', 30000)")

        shown = page(client)

        assert "x" * drawing.MOST_OF_A_DOCUMENT not in shown
        assert re.search(r"\.\.\. \(30,\d\d\d characters\)", shown)

    def test_another_mapping_is_chosen_by_its_file(self, client: Client, project: Project) -> None:
        other = project.mapping("fields: {only: name}").replace(": people", ": others")
        project.write("others.yaml", other)

        shown = page(client, "?mapping=mappings/others.yaml")

        assert typed(shown) == other
        assert documents(shown) == [{"_id": 1, "only": "Ana <b>"}, {"_id": 2, "only": "Bo"}]
        assert client.get(f"{PAGE}?mapping=mappings/none.yaml").status_code == 400

    def test_the_mapping_that_shows_most_comes_first_and_before_it_that_of_the_tweets(
        self, client: Client, project: Project
    ) -> None:
        for target, line in {
            "few": "fields: {only: name}",
            "fewer": "exclude: [password, extra]",
            "most": "exclude: [password]",
        }.items():
            project.write(
                f"{target}.yaml", project.mapping(line).replace(": people", f": {target}")
            )
        (project.folder / "mappings" / "people.yaml").unlink()

        without = typed(page(client))
        tweets = project.mapping("fields: {only: name}").replace(": people", ": tweets")
        project.write("tweets.yaml", tweets)

        assert "target: most" in without
        assert typed(page(client)) == tweets

    def test_what_stars_and_hashes_stand_for_is_told_where_there_are_some(
        self, client: Client, project: Project, with_key: None
    ) -> None:
        stars, hashes = "stands for a column that", "Hashes differ from those in MongoDB"
        plain = page(client)
        hashed = preview(client, project.mapping("fields: {h: {column: mail, mask: hash}}"))
        project.write("people.yaml", project.mapping())
        whole = client.get(PAGE).content.decode()

        assert (stars in plain, hashes in plain) == (True, False)
        assert (stars in hashed, hashes in hashed) == (True, True)
        assert (stars in whole, hashes in whole) == (False, False)

    def test_what_documents_embed_is_shown(self, client: Client, project: Project) -> None:
        other = project.mapping("fields: {name: name}").replace(": people", ": names")
        project.write("names.yaml", other)

        text = project.mapping("fields: {}", "embed: {self: {one: names, on: _id}}")
        shown = preview(client, text, rows="1")

        assert documents(shown) == [{"_id": 1, "self": {"_id": 1, "name": "Ana <b>"}}]


class TestText:
    def test_what_is_typed_is_previewed_and_nothing_is_saved(
        self, client: Client, project: Project, tables: MySQLServer
    ) -> None:
        text = project.mapping("fields: {person.name: name, big: {sql: UPPER(name)}}")

        shown = preview(client, text.replace("\n", "\r\n"))

        assert documents(shown) == [
            {"_id": 1, "person": {"name": "Ana <b>"}, "big": "ANA <B>"},
            {"_id": 2, "person": {"name": "Bo"}, "big": "BO"},
        ]
        assert typed(shown) == text
        assert "By the text as it was changed here." in shown
        file = project.folder / "mappings" / "people.yaml"
        assert file.read_text() == project.mapping("exclude: [password]")
        assert tables.execute(f"SELECT COUNT(*) FROM {project.source}") == [(2,)]

    def test_a_row_without_a_document_says_why(self, client: Client, project: Project) -> None:
        shown = preview(client, project.mapping("exclude: [password]", "where: id > 1"), rows="1")

        assert "No document in <code>people</code>" in shown
        assert "`where` is not true for it" in shown

    def test_rows_are_as_many_as_are_wanted(self, client: Client, project: Project) -> None:
        text = project.mapping("fields: {}")

        assert documents(preview(client, text, rows="1")) == [{"_id": 1}]
        assert documents(preview(client, text, rows="10")) == [{"_id": 1}, {"_id": 2}]

    def test_the_part_that_follows_what_is_typed_is_that_of_the_page(
        self, client: Client, project: Project
    ) -> None:
        text = project.mapping("fields: {name: name}")

        part = preview(client, text, path=DRAWN)

        assert part.strip() in preview(client, text)
        assert "<html" not in part


class TestMistakes:
    def test_they_are_told_with_line_and_excerpt_and_as_the_command_does(
        self, client: Client, project: Project
    ) -> None:
        text = project.mapping("fields:", "  a: nam", "  b: {sql: UPER(name)}", "tarket: x")

        shown = preview(client, text)

        assert mistakes(shown) == [
            "mappings/people.yaml:4: unknown column `nam`, did you mean `name`?",
            "mappings/people.yaml:5: `fields.b.sql`: the function UPER is outside the subset;"
            " did you mean UPPER? docs/expressions.md#what-there-is lists what there is",
            "mappings/people.yaml:6: unknown key `tarket`, did you mean `target`?",
        ]
        assert "<pre>  a: nam</pre>" in shown
        assert "<pre>    UPER(name)\n    ^</pre>" in shown
        assert documents(shown) == []
        assert typed(shown) == text

    @pytest.mark.parametrize("text", ["", "- a", "a: [", "é: \ud83d", "&a [*a]", "[" * 200])
    def test_no_text_is_too_odd(self, client: Client, project: Project, text: str) -> None:
        shown = preview(client, text.encode("utf-8", "replace").decode())

        assert mistakes(shown)[0].startswith("mappings/people.yaml:1: ")

    def test_of_very_many_the_first_are_told_and_long_ones_are_cut(
        self, client: Client, project: Project
    ) -> None:
        lines = [f"  f{at}: {'x' * 400}" for at in range(drawing.MOST_MISTAKES + 7)]

        shown = preview(client, project.mapping("fields:", *lines, f"  last: {'y' * 2000}"))

        assert len(mistakes(shown)) == drawing.MOST_MISTAKES
        assert f"{drawing.MOST_MISTAKES + 8} mistakes: no rows are shown." in shown
        shown = preview(client, project.mapping(f"fields: {{a: {'y' * 2000}}}"))
        assert re.search(r"y\.\.\. \(2,\d\d\d characters\)", shown)

    def test_a_mistake_between_two_mappings_is_told_where_it_is(
        self, client: Client, project: Project
    ) -> None:
        other = project.mapping(
            "fields: {}", "embed: {who: {one: people, on: _id, fields: [name]}}"
        )
        project.write("others.yaml", other.replace(": people\n", ": others\n", 1))

        shown = preview(client, project.mapping("fields: {mail: mail}"))

        assert [each.partition(":")[0] for each in mistakes(shown)] == ["mappings/others.yaml"]

    def test_a_broken_file_beside_it_is_told_and_keeps_nothing_back(
        self, client: Client, project: Project
    ) -> None:
        project.write("broken.yaml", "source: [\n")

        shown = page(client)

        assert "mappings/broken.yaml:2: not YAML" in shown
        assert "2 rows, read just now." in shown


class TestWhatStaysHidden:
    @pytest.mark.parametrize(
        "line",
        [
            "fields: {p: password}",
            "fields: {p: {sql: 'CONCAT(Password, name)'}}",
            "fields: {p: {column: password, mask: {truncate: 5}}}",
            "exclude: [mail]",
            "where: password LIKE 'a%'",
        ],
    )
    def test_a_column_that_the_file_leaves_out(
        self, client: Client, project: Project, line: str
    ) -> None:
        shown = preview(client, project.mapping(line))

        [told, *_] = mistakes(shown)
        assert "column `password` is masked or left out in the mapping's file" in told
        assert "<article" not in shown

    def test_a_column_whose_mask_is_misspelt_in_another_file(
        self, client: Client, project: Project
    ) -> None:
        other = project.mapping("fields: {p: {column: password, maks: hash}}")
        project.write("others.yaml", other.replace(": people", ": others"))

        shown = preview(client, project.mapping("fields: {}", "embed: {o: {one: others, on: _id}}"))

        assert "mappings/others.yaml:3: unknown key `maks`" in shown

    def test_another_table(self, client: Client, project: Project) -> None:
        text = project.mapping("fields: {s: session_data}")
        text = text.replace(project.table, "django_session").replace(
            "fields", "id: session_key\nfields"
        )

        shown = preview(client, text)

        assert [each.partition(": ")[2] for each in mistakes(shown)] == [
            f"rows of `{project.source}` alone are shown here: keep its `source`"
        ]

    def test_a_row_that_the_file_leaves_out(self, client: Client, project: Project) -> None:
        project.write("people.yaml", project.mapping("exclude: [password]", "where: id <> 1"))

        for where in ("id <> 1", "id = 1", "id > 0"):
            shown = preview(client, project.mapping("fields: {name: name}", f"where: {where}"))

            assert "`where` in the mapping&#x27;s file is not true for it" in shown
            assert "Ana" not in shown
        assert documents(shown) == [{"_id": 2, "name": "Bo"}]

    def test_hashes_tell_nothing_of_those_of_a_text_that_was_guessed(
        self, client: Client, project: Project, with_key: None
    ) -> None:
        hidden = "p: {column: password, mask: hash}"
        project.write("people.yaml", project.mapping(f"fields: {{{hidden}}}"))
        others = project.mapping(f"fields: {{{hidden}}}").replace(": people\n", ": others\n", 1)
        project.write("others.yaml", others)
        guess = f"g: {{sql: \"'{SECRET}'\", mask: hash}}"
        again = guess.replace("g", "h", 1)

        text = project.mapping(
            f"fields: {{{hidden}, {guess}, {again}}}", "embed: {o: {many: others, on: {g: p}}}"
        )
        answer = client.post(PAGE, {"mapping": "mappings/people.yaml", "rows": "2", "text": text})

        first, second = documents(answer.content.decode())
        assert first["p"] == second["p"] != first["g"] == first["h"]
        assert first["o"] == []

    def test_hashes_are_not_those_of_the_stream(
        self, client: Client, project: Project, with_key: None
    ) -> None:
        text = project.mapping("fields: {h: {column: mail, mask: hash}}")

        first, second = documents(preview(client, text))[0], documents(preview(client, text))[0]

        assert first["h"] != second["h"]


class TestBadInput:
    @pytest.mark.parametrize("path", [PAGE, DRAWN])
    @pytest.mark.parametrize(
        ("sent", "told"),
        [
            ({"rows": "0"}, "Show from 1 to 10 rows."),
            ({"rows": "11"}, "Show from 1 to 10 rows."),
            ({"rows": "many"}, "Show from 1 to 10 rows."),
            ({"rows": "-"}, "Show from 1 to 10 rows."),
            ({"mapping": "mappings/none.yaml"}, "The stream has no such mapping: choose a table."),
            ({"mapping": "../../etc/passwd"}, "The stream has no such mapping: choose a table."),
            ({"mapping": "-"}, "Choose a table first."),
            ({"text": "a: \0"}, "A mapping holds no character of the number 0."),
            ({"text": "é" * (MOST_KILOBYTES << 9) + "é"}, "A mapping has 64 KB here at most."),
        ],
    )
    def test_it_is_one_clear_error_and_what_was_typed_stays(
        self, client: Client, project: Project, path: str, sent: dict[str, str], told: str
    ) -> None:
        shown = preview(client, **{"text": "what was typed", **sent}, status=400, path=path)

        assert shown.count('role="alert"') == 1
        assert f"<strong>{told}</strong>" in shown
        for each in re.findall('aria-describedby="([^"]+)"', shown):
            assert f'id="{each}"' in shown
        if path == PAGE:
            assert typed(shown) == sent.get("text", "what was typed")

    def test_the_largest_text_is_taken(self, client: Client, project: Project) -> None:
        text = project.mapping("exclude: [password]", "#")

        preview(client, text + "#" * ((MOST_KILOBYTES << 10) - len(text)))


class TestTrouble:
    def test_a_portal_without_the_setting_says_what_to_set(self, client: Client) -> None:
        assert "<code>PORTAL_CDC_CONFIG</code>" in page(client)
        assert client.post(DRAWN).headers["Location"] == PAGE

    def test_a_configuration_that_cannot_be_read_is_named(
        self, client: Client, project: Project
    ) -> None:
        (project.folder / "cdc.yaml").unlink()

        shown = page(client)

        assert "cdc.yaml cannot be read: No such file or directory" in shown
        assert "what was typed" in preview(client, "what was typed")

    def test_a_table_that_the_portal_may_not_read_is_named(
        self, client: Client, project: Project
    ) -> None:
        project.write("user.yaml", "source: mysql.user\ntarget: accounts\n")

        shown = page(client, "?mapping=mappings/user.yaml")

        assert mistakes(shown) == [
            "mappings/user.yaml:1: the source has no table mysql.user that its user may read"
        ]

    def test_a_mysql_that_is_away_is_named(
        self, client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as away:
            away.setitem(settings.DATABASES["default"], "PORT", 1)
            shown = preview(client, project.mapping("fields: {}"))

        assert "No rows can be shown." in shown
        assert typed(shown) == project.mapping("fields: {}")
        assert PASSWORD not in shown

    def test_one_that_takes_too_long_is_ended(
        self, client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asking, "SECONDS", 0.01)

        shown = preview(client, project.mapping("fields: {}"))

        assert "It took longer than 0.01 seconds, and was ended: " in shown
        assert typed(shown) == project.mapping("fields: {}")

    def test_a_table_that_is_locked_is_told_and_nothing_waits_on(
        self, client: Client, project: Project, tables: MySQLServer
    ) -> None:
        with closing(tables.connect()) as other, other.cursor() as cursor:
            cursor.execute(f"LOCK TABLES {project.source} WRITE")

            shown = preview(client, project.mapping("fields: {}"))

            assert "Lock wait timeout exceeded" in shown
            waiting = (
                "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE '%lock%'"
            )
            assert tables.execute(f"{waiting} AND user = '{project.schema}'") == [(0,)]

    def test_so_many_at_once_that_pages_would_have_no_thread_are_not_drawn(
        self, client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drawing_now = BoundedSemaphore(1)
        monkeypatch.setattr(asking, "_drawing", drawing_now)

        with drawing_now:
            refused = preview(client, "what was typed")

        assert "Others have previews drawn just now." in refused
        assert typed(refused) == "what was typed"
        assert documents(preview(client, project.mapping("fields: {}"), rows="1")) == [{"_id": 1}]

    def test_nothing_of_the_working_directory_is_run(
        self, client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project.folder / "json.py").write_text("raise SystemExit")
        monkeypatch.chdir(project.folder)

        assert documents(preview(client, project.mapping("fields: {}"), rows="1")) == [{"_id": 1}]

    @pytest.mark.parametrize("name", ["SIGKILL", "SIGXCPU", "SIGABRT"])
    def test_one_that_the_system_ends_is_told(
        self, client: Client, project: Project, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        script = f"import os, signal; os.kill(os.getpid(), signal.{name})"
        monkeypatch.setattr(asking, "_PROGRAM", (sys.executable, "-c", script))

        assert "more memory or time than a preview may have" in preview(client, "what was typed")

    def test_an_error_of_our_own_tells_its_place_and_no_value(
        self, client: Client, project: Project
    ) -> None:
        with pytest.raises(asking.Failed) as caught:
            asking.draw(rows="no number")  # type: ignore[arg-type]

        assert "preview/drawing.py" in str(caught.value)
        assert str(caught.value).endswith(" TypeError\n")


class TestAccess:
    @pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SENIOR_MANAGEMENT])
    def test_other_roles_are_refused(self, client: Client, project: Project, role: Role) -> None:
        client.force_login(person("someone", role))

        answers = [client.get(PAGE), client.get(DRAWN), client.post(PAGE), client.post(DRAWN)]

        assert {answer.status_code for answer in answers} == {403}

    @pytest.mark.parametrize("path", [PAGE, DRAWN])
    def test_who_is_not_logged_in_is_sent_to_log_in_and_comes_back_to_the_page(
        self, client: Client, project: Project, path: str
    ) -> None:
        client.logout()

        asked = client.post(path, {"text": "a"}).headers["Location"]
        form = {"username": "tess", "password": PASSWORD}
        back = client.post(asked, form)

        assert asked == f"/login/?next={path}"
        assert client.get(back.headers["Location"], follow=True).request["PATH_INFO"] == PAGE

    @pytest.mark.parametrize("path", [PAGE, DRAWN])
    def test_texts_come_by_a_form_of_the_page_only(
        self, client: Client, project: Project, path: str
    ) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies

        assert strict.post(path, {"text": "a"}).status_code == 403

    def test_the_page_is_sound_and_kept_by_no_cache(self, client: Client, project: Project) -> None:
        assert_sound(client, PAGE)
        assert "no-store" in client.get(PAGE).headers["Cache-Control"]
