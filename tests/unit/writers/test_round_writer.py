"""What is asked before a batch is written as a round."""

from __future__ import annotations

from unittest import mock

from cdc.writers.round_writer import RoundWriter


def test_no_batch_is_cut_while_lanes_that_are_made_are_not_attended() -> None:
    lanes = mock.Mock()
    lanes.are_attended.return_value = False
    retry = mock.Mock()
    retry.run.side_effect = lambda attempt: attempt()
    state = mock.Mock(has_lanes=True)
    writer = RoundWriter(lanes, state, mock.Mock(), retry, mock.Mock(), mock.Mock())

    assert not writer.write(mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())
    lanes.parts.assert_not_called()
