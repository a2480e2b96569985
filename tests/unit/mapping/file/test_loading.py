from pathlib import Path

import pytest

from cdc.mapping.file.loading import load_mappings, read_mappings
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError

SHORT = "source: shop.things\ntarget: things\n"


def write(folder: Path, text: str, name: str = "things.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def mistakes(folder: Path, *texts: str) -> list[str]:
    for at, text in enumerate(texts):
        write(folder, text, f"{at}.yaml")

    with pytest.raises(MappingError) as caught:
        load_mappings(["*.yaml"], relative_to=folder)

    assert caught.value.exit_code == 2
    return [f"{one.file.name}:{one.line}: {one.what}" for one in caught.value.mistakes]


def test_source_and_target_are_enough(tmp_path: Path) -> None:
    write(tmp_path, SHORT)

    (mapping,) = load_mappings(["things.yaml"], relative_to=tmp_path)

    assert (mapping.source, mapping.target, mapping.id) == ("shop.things", "things", ())


def test_files_are_read_in_the_order_of_their_names_and_each_once(tmp_path: Path) -> None:
    write(tmp_path, SHORT, "b.yaml")
    write(tmp_path, SHORT.replace("things", "others"), "a.yaml")

    found = load_mappings(["*.yaml", "b.yaml"], relative_to=tmp_path)

    assert [each.source for each in found] == ["shop.others", "shop.things"]


def test_a_text_is_read_in_place_of_what_its_file_holds(tmp_path: Path) -> None:
    file = write(tmp_path, SHORT)
    write(tmp_path, SHORT.replace("things", "others"), "others.yaml")
    texts = {file: SHORT.replace("target: things", "target: others") + "tarket: x\n"}

    mappings, problems = read_mappings(["*.yaml"], relative_to=tmp_path, texts=texts)

    assert [(each.source, each.target) for each in mappings] == [
        ("shop.others", "others"),
        ("shop.things", "others"),
    ]
    assert [(each.file, each.line) for each in sorted(problems)] == [(file, 2), (file, 3)]
    assert file.read_text() == SHORT


def test_the_projects_own_mappings_load() -> None:
    root = Path(__file__).parents[4]

    found = load_mappings(["config/mappings/*.yaml"], relative_to=root)

    assert {one.source: one.target for one in found} == {
        "twitter.tweets": "tweets",
        "twitter.users": "users",
    }


def test_every_mistake_of_every_file_is_told_with_its_line(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "source: shop.things\ntarget: things\nfeilds: {}\nid: 7\n",
        "source: things\n\nfields:\n  a: {column: a, tipe: bool}\n  b: {column: b, type: bol}\n",
    )

    assert found[0] == "0.yaml:3: unknown key `feilds`, did you mean `fields`?"
    assert found[1].startswith("0.yaml:4: `id`: ")
    assert found[2:4] == [
        "1.yaml:1: `source`: must be `schema.table`",
        "1.yaml:1: `target` is missing",
    ]
    assert found[4] == "1.yaml:4: unknown key `tipe`, did you mean `type`?"
    assert found[5].startswith("1.yaml:5: `fields.b.type`: must be 'bool', 'string'")


def test_what_is_wrong_hides_no_other_mistake_of_the_file(tmp_path: Path) -> None:
    text = (
        SHORT
        + """where: "NOW() > a"
fields:
  a: a
  a.b: b
  c: {column: c, tpye: bool}
  d: {column: d, mask: hash}
on_delet: ignore
"""
    )

    found = mistakes(tmp_path, text)

    assert [each[: len("0.yaml:3:") + 30] for each in found] == [
        "0.yaml:3: `where`: NOW has another valu",
        "0.yaml:6: `a.b` nests below `a`, which ",
        "0.yaml:7: unknown key `tpye`, did you m",
        "0.yaml:8: `mask: hash` needs a key: wri",
        "0.yaml:9: unknown key `on_delet`, did y",
    ]


@pytest.mark.parametrize(
    ("line", "key", "what"),
    [
        ('where: "a = SLEEP(1)"', "where", "SLEEP"),
        ('where: " "', "where", "empty"),
        ('id: {sql: "a"}', "id", "needs `unique: asserted`"),
        ('id: {sql: "a +", unique: asserted}', "id.sql", "unexpected end: an expression expected"),
        ("id: {unique: asserted}", "id.sql", "is missing"),
        ('fields: {a: {sql: "NOW()"}}', "fields.a.sql", "NOW"),
    ],
)
def test_an_expression_outside_the_subset_is_told_with_its_line(
    tmp_path: Path, line: str, key: str, what: str
) -> None:
    (found,) = mistakes(tmp_path, SHORT + line)

    assert found.startswith(f"0.yaml:3: `{key}`")
    assert what in found


def test_a_glob_whose_tables_would_share_ids_is_refused(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "source: shop_*.things\ntarget: things\nid: id\n")

    assert found.startswith("0.yaml:3: `shop_*.things` can match several tables")


def test_a_field_that_is_both_a_value_and_a_parent_is_a_mistake(tmp_path: Path) -> None:
    found = mistakes(tmp_path, SHORT + "fields:\n  a.b: x\n  a: y\n")

    assert found == ["0.yaml:4: `a.b` nests below `a`, which is a field of its own"]


def test_a_path_that_nests_deeper_than_mongodb_stores_is_a_mistake(tmp_path: Path) -> None:
    found = mistakes(tmp_path, SHORT + f"fields:\n  {'.'.join('a' * 41)}: x\n")

    assert "at most 40 names" in found[0]


def test_a_path_written_twice_is_a_mistake(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, SHORT + "fields:\n  a: x\n  a: y\n")

    assert found.startswith("0.yaml:5: the key `a` stands twice")


@pytest.mark.parametrize("path", ["_id", "_id.a", "a..b", "$a", "a.$b", '""'])
def test_a_path_that_mongodb_would_not_take_is_a_mistake(tmp_path: Path, path: str) -> None:
    (found,) = mistakes(tmp_path, SHORT + f"fields:\n  {path}: x\n")

    assert found.startswith("0.yaml:4: ")


def test_two_mappings_with_one_target_are_refused(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, SHORT, "source: shop.others\ntarget: things\n")

    assert found.startswith("1.yaml:2: the target `things` belongs to ")


def test_exclude_beside_fields_is_a_mistake(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, SHORT + "fields: {a: x}\nexclude: y\n")

    assert found.startswith("0.yaml:4: `exclude`")


def test_a_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"nowhere\.yaml:1: no such mapping file"):
        load_mappings(["nowhere.yaml"], relative_to=tmp_path)


def test_absolute_names_are_taken_as_they_are(tmp_path: Path) -> None:
    file = write(tmp_path, SHORT)

    assert len(load_mappings([str(file)], relative_to=Path("elsewhere"))) == 1


def test_the_fingerprint_ignores_layout_but_not_content(tmp_path: Path) -> None:
    write(tmp_path, "# a comment\ntarget: things\nsource: shop.things\n", "other.yaml")

    (mapping,) = load_mappings(["other.yaml"], relative_to=tmp_path)

    same = Mapping(source="shop.things", target="things")
    other = Mapping(source="shop.things", target="things", fields={"a": "b"})  # type: ignore[dict-item]
    assert mapping.fingerprint == same.fingerprint
    assert mapping.fingerprint != other.fingerprint
    assert len(mapping.fingerprint) == 64


def test_the_order_of_fields_is_part_of_the_fingerprint() -> None:
    one = {"source": "a.b", "target": "b", "fields": {"x": "x", "y": "y"}}
    other = {"source": "a.b", "target": "b", "fields": {"y": "y", "x": "x"}}

    assert Mapping.model_validate(one).fingerprint != Mapping.model_validate(other).fingerprint


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("id: {colunm: a}", "3: unknown key `colunm`, did you mean `column`?"),
        ("on_delete: {sett: {a: 1}}", "3: unknown key `sett`, did you mean `set`?"),
        ("fields: {a: {column: a, mask: {length: 3}}}", "3: unknown key `length`; there is `trunc"),
        ("indexes:\n- kyes: {a: 1}", "4: unknown key `kyes`, did you mean `keys`?"),
    ],
)
def test_unknown_keys_inside_a_key_come_with_a_suggestion(
    tmp_path: Path, lines: str, expected: str
) -> None:
    assert any(f"0.yaml:{expected}" in one for one in mistakes(tmp_path, SHORT + lines))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("case: camel\nfields: {a: a}", "3: `case` means nothing beside `fields`"),
        ("fields: {a: {column: b, mask: hash}}", "3: `mask: hash` needs a key: write `mask_key`"),
        ("id: {column: a, mask: hash}", "3: `mask: hash` needs a key"),
        ("id: b\nfields: {a: {column: b, mask: redact}}", "3: column `b` is masked in `fields`"),
        ("id: [{source: stream}, {value: 1}]", "3: the id holds no column"),
        ("id: [a, {value: 1}, {value: 2}]", "3: `value` stands twice in `id`"),
        ("id: [stream, {source: stream}]", "3: `stream` stands twice in `id`"),
        ("id: [a, {column: b, name: a}]", "3: `a` stands twice in `id`"),
        ("id: [a, {column: a, name: b}]", "3: `a` stands twice in `id`"),
        ("id: {value: 1, name: a}", "3: the id holds no column"),
        ("id: {column: a, name: a.b}", "3: `id.0.name`: must be a name without a dot"),
        ("id: [{source: table, name: a}, b]", "3: `id.0`: `name` is for a column or a constant"),
        ("id: a\nexclude: a", "4: column `a` is part of the id"),
        ("fields: {a: b}\non_delete:\n  set:\n    a.at: $now", "6: `a.at` nests below `a`"),
        ("fields: {a.b: b}\non_delete:\n  set:\n    a: true", "6: `a.b` nests below `a`"),
        ("on_delete:\n  set:\n    a: 1\n    a.b: 2", "5: `a.b` nests below `a`"),
        ("stamp: a.b", "3: `stamp`: must be a field of the document itself"),
        ("stamp: _id", "3: `stamp`: `_id` is written as"),
        ("fields: {a.b: b}\nstamp: a", "4: `a` is a field of the documents already"),
        ("on_delete: {set: {a: 1}}\nstamp: a", "4: `a` is a field of the documents already"),
    ],
)
def test_what_contradicts_itself_is_a_mistake(tmp_path: Path, lines: str, expected: str) -> None:
    (found,) = mistakes(tmp_path, SHORT + lines)

    assert f"0.yaml:{expected}" in found


def test_another_key_for_hashes_is_another_fingerprint(tmp_path: Path) -> None:
    write(tmp_path, SHORT + "fields: {a: {column: b, mask: hash}}")

    found = {
        load_mappings(["*.yaml"], relative_to=tmp_path, mask_key=key)[0].fingerprint
        for key in (b"0123456789abcdef", b"0123456789abcdeF")
    }

    assert len(found) == 2


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("where:", "where"),
        ("fields:", "fields"),
        ("fields: {a: }", "fields.a"),
        ("fields: {a: {column: a, mask: }}", "fields.a.mask"),
        ("fields: {collation: {column: a, mask: }}", "fields.collation.mask"),
        ("fields: {a: {column: a, mask: {truncate: }}}", "fields.a.mask.truncate"),
        ("id: [{column: a, mask: }]", "id.0.mask"),
        ("on_delete: {set: {a: }}", "on_delete.set.a"),
        ("indexes: [{keys: {a: }}]", "indexes.0.keys.a"),
    ],
)
def test_a_key_without_a_value_is_a_mistake(tmp_path: Path, line: str, key: str) -> None:
    found = mistakes(tmp_path, SHORT + line)

    assert f"0.yaml:3: `{key}` has no value: write one, or leave the key out" in found


def test_a_key_without_a_value_is_not_called_missing_too(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "source: shop.things\ntarget:\n")

    assert found == ["0.yaml:2: `target` has no value: write one, or leave the key out"]


@pytest.mark.parametrize(
    ("source", "pattern", "shared"),
    [
        ("shop.things", "shop.things", True),
        ("shop.things", "sh*.th*", True),
        ("shop.things_*", "shop.*_old", True),
        ("shop.things", "shop.others", False),
        ("shop.things", "percona.*", False),
        ("shop_*.things", "percona.things", False),
        ("*.things", "percona.things", True),
        ("*.things !percona.*", "percona.things", False),
    ],
)
def test_a_table_whose_statements_are_ignored_cannot_be_followed(
    tmp_path: Path, source: str, pattern: str, shared: bool
) -> None:
    keys = "id: [{source: schema}, {source: table}, id]"
    write(tmp_path, f'source: "{source}"\ntarget: things\n{keys}\n')

    _, found = read_mappings(["*.yaml"], relative_to=tmp_path, ignored=["a.b", pattern])

    assert [f"`{pattern}`" in each.what for each in found] == [True] * shared


def test_null_is_a_constant_and_part_of_mongodbs_filters(tmp_path: Path) -> None:
    indexes = "indexes: [{keys: {a: 1}, partial_filter_expression: {a: null}}]"
    write(tmp_path, f"{SHORT}fields: {{a: {{value: null}}}}\n{indexes}\n")

    (found,) = load_mappings(["*.yaml"], relative_to=tmp_path)

    assert found.fields is not None
    assert found.fields["a"].value is None
    assert found.indexes[0].partial_filter_expression == {"a": None}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (
            "fields: {a: {value: 99999999999999999999}}",
            "`fields.a.value`: must be an integer of 64",
        ),
        ("fields: {a: {value: 1e999}}", "`fields.a.value`: must be a number that a double holds"),
        ("fields: {a: {value: [1]}}", "`fields.a.value`: must be a constant: text, a number, true"),
        ("fields: {a: 5}", "`fields.a`: must be a column, or {column: …}"),
        ("fields: {a: {column: a, mask: hsh}}", "must be 'hash' or 'redact' or {truncate: …}"),
        ("on_delete: soft", "`on_delete`: must be 'delete' or {set: …}"),
        ("on_delete: {set: {a: [1]}}", "`on_delete.set.a`: must be a constant"),
        ("id: []", "`id`: must be a column, a list of columns"),
        ('id: [{sql: "a"}]', "`id.0`: an expression stands alone"),
        ("indexes: {keys: {a: 1}}", "`indexes`: must be a list"),
        ("exclude: [5]", "`exclude.0`: must be text"),
        ('where: ""', "`where`: must not be empty"),
        (f"fields: {{a: {{value: {'9' * 5000}}}}}", "no int that can be read, of 5000 characters"),
        (r'fields: {a: {value: "\ud83d"}}', "half of a character"),
        (r'fields: {"\ud83d": a}', "half of a character"),
    ],
)
def test_what_a_key_must_be_is_told_once_in_words_of_the_file(
    tmp_path: Path, line: str, what: str
) -> None:
    (found,) = mistakes(tmp_path, SHORT + line)

    assert found.startswith("0.yaml:3: ")
    assert what in found


def test_mistakes_in_embeds_are_told_with_their_lines_beside_all_others(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "source: shop.users\ntarget: users\nstamp: at\n",
        "source: shop.tweets\ntarget: tweets\nfields: {user_id: u, text: t}\nembed:\n"
        "  author:\n    one: users\n    on: user_id\n    fields: [name, at]\n"
        "  again: {one: users, on: author.id}\n"
        "  text: {one: nobody, on: user_id}\n",
        "source: other.users\ntarget: users\nstamp: at\n",
    )

    assert [each.partition(" belongs to")[0] for each in found] == [
        "1.yaml:8: `at` is the stamp of `users`, which is never embedded",
        "1.yaml:9: `author.id` is made of `author`, which `tweets` embeds: link by own fields",
        "1.yaml:10: `text` is a field of the document already",
        "1.yaml:10: no mapping makes a collection `nobody`; there is `users`",
        "2.yaml:2: the target `users`",
    ]


@pytest.mark.parametrize(
    ("embed", "what"),
    [
        ("a: {one: users, on: [b]}", "`embed.a.on`: must be a field, or {our field: their field}"),
        ("a: {one: users, on: 5}", "`embed.a.on`: must be a field, or {our field: their field}"),
        (
            "a: {one: users, on: b, fields: c}",
            "`embed.a.fields`: must be a list of fields, or {our name: their field}",
        ),
        (
            "a: {one: users, on: b, fields: {c.d: e}}",
            "`embed.a.fields.c.d`: must be a name without a dot",
        ),
        (
            "a: {one: users, on: b, fields: {$c: e}}",
            "`embed.a.fields.$c`: must be a field name: not empty, without NUL, not beginning",
        ),
        ("_id.a: {one: users, on: b}", "`embed._id.a`: nothing is embedded in `_id`"),
        (
            "a: {many: users, on: b, limit: 99999999999999999999}",
            "`embed.a.limit`: must be less than or equal to 2147483647",
        ),
        ("a: {one: users, on: {b: d}}", "the documents of `users` have no field `d`"),
        (
            "a: {one: users, on: b, hidden: true}",
            "`hidden` is a key of a whole mapping: write it beside its `source` and `target`",
        ),
        ("1: {one: users, on: b}", "the key `embed.1` must be text: write it in quotes"),
        ("true: {one: users, on: b}", "the key `embed.true` must be text: write it in quotes"),
        ("null: {one: users, on: b}", "the key `embed.null` must be text: write it in quotes"),
        ("a: {one: users, on: {1: _id}}", "the key `embed.a.on.1` must be text"),
        ("a: {one: users, on: b, fields: {2024: name}}", "the key `embed.a.fields.2024` must be"),
        ("a: {1: users, one: users, on: b}", "the key `embed.a.1` must be text"),
    ],
)
def test_what_a_part_of_an_embed_must_be_is_told_once_at_its_own_key(
    tmp_path: Path, embed: str, what: str
) -> None:
    users = "source: shop.users\ntarget: users\nfields: {name: name}\n"

    (found,) = mistakes(tmp_path, f"{SHORT}embed:\n  {embed}\n", users)

    assert found.startswith(f"0.yaml:4: {what}")


def test_a_hidden_collection_that_nobody_embeds_is_told_with_its_line(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, SHORT + "hidden: true\n")

    assert found.startswith("0.yaml:3: no other mapping embeds")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("2024: x", "2024"),
        ("fields: {null: x}", "fields.null"),
        ("on_delete: {set: {1: x}}", "on_delete.set.1"),
        (
            "indexes: [{keys: {a: 1}, partial_filter_expression: {a: {1: x}}}]",
            "indexes.0.partial_filter_expression.a.1",
        ),
    ],
)
def test_a_key_that_is_no_text_is_told_as_it_is_written(
    tmp_path: Path, line: str, key: str
) -> None:
    found = mistakes(tmp_path, SHORT + line + "\n")

    assert found == [f"0.yaml:3: the key `{key}` must be text: write it in quotes"]
