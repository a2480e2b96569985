from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cdc.config import Config, StartPosition, default_server_id, load
from cdc.errors import UsageError

MINIMAL = """\
name: shop
source: {host: db, user: cdc, password: hush}
target: {uri: "mongodb://localhost", database: shop}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "users.yaml").write_text("source: shop.users\n")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "cdc.yaml"
    path.write_text(dedent(text))
    return path


def refusal(folder: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    path = write(folder, text)
    with pytest.raises(UsageError) as caught:
        load(path, environment or {})
    return str(caught.value).replace(str(path), "cdc.yaml").splitlines()


def test_a_minimal_file_gets_the_documented_defaults(folder: Path) -> None:
    config = load(write(folder, MINIMAL), {})

    assert config.source.port == 3306
    assert config.source.tls.mode == "required"
    assert config.target.state_database == "cdc"
    assert config.start == "backfill"
    assert config.apply.model_dump() == {
        "mode": "exactly_once",
        "lanes": 1,
        "batch_rows": 5000,
        "batch_bytes": 8388608,
        "linger_ms": 5,
        "transaction_bytes": 16000000,
        "kafka": None,
    }
    assert config.mappings == (str(folder / "mappings" / "*.yaml"),)


def test_every_mistake_is_told_at_once_with_its_line_and_in_order(folder: Path) -> None:
    lines = refusal(
        folder,
        """\
        name: a b
        source:
          prot: 3307
          host: db
          user: cdc
          server_id: 0
        target:
          uri: http://x
          database: admin
        log:
        """,
    )

    assert [line.split(": ")[0:2] for line in lines if not line.startswith(" ")] == [
        ["cdc.yaml:1", "name"],
        ["cdc.yaml:3", "source.prot"],
        ["cdc.yaml:6", "source.server_id"],
        ["cdc.yaml:8", "target.uri"],
        ["cdc.yaml:9", "target.database"],
        ["cdc.yaml:10", "log"],
    ]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("chunks: {rows: many}", "chunks.rows: must be a whole number"),
        ("chunks: {rows: 2.5}", "chunks.rows: must be a whole number"),
        ("chunks: {rows: [1]}", "chunks.rows: must be a whole number"),
        ("lease: {ttl_seconds: soon}", "lease.ttl_seconds: must be a number"),
        ("lease: {ttl_seconds: [1]}", "lease.ttl_seconds: must be a number"),
        ("chunks: {allow_brief_lock: maybe}", "chunks.allow_brief_lock: must be true or false"),
        ("chunks: {allow_brief_lock: [1]}", "chunks.allow_brief_lock: must be true or false"),
    ],
)
def test_a_value_of_another_kind_is_told_in_the_words_of_yaml(
    folder: Path, keys: str, told: str
) -> None:
    (line,) = refusal(folder, f"{MINIMAL}{keys}\n")

    assert line.endswith(f": {told}")


def test_an_unknown_key_is_answered_with_the_nearest_known_one(folder: Path) -> None:
    lines = refusal(folder, MINIMAL + "aply: {mode: exactly_once}\n")

    assert lines == ["cdc.yaml:4: aply: unknown key", "  remedy: did you mean `apply`?"]


def test_a_missing_key_is_named_where_it_belongs(folder: Path) -> None:
    lines = refusal(folder, "name: shop\nsource: {host: db}\n")

    assert [line for line in lines if not line.startswith(" ")] == [
        "cdc.yaml:1: target: is missing",
        "cdc.yaml:2: source.user: is missing",
    ]


@pytest.mark.parametrize("pattern", ["!ops.audit", "ops"])
def test_a_pattern_that_names_no_tables_is_refused(folder: Path, pattern: str) -> None:
    listed = f'user: cdc, ignore_statements_on: ["ops.*", "{pattern}"]'

    lines = refusal(folder, MINIMAL.replace("user: cdc", listed))

    assert f"`{pattern}`" in lines[0]


def test_a_heartbeat_table_is_named_with_its_schema(folder: Path) -> None:
    text = MINIMAL.replace("user: cdc", "user: cdc, heartbeat_table: beats")

    lines = refusal(folder, text)

    assert "SCHEMA.TABLE" in lines[0]
    assert "heartbeat_table" in lines[0]


def test_variables_come_from_the_environment_or_their_default(folder: Path) -> None:
    text = MINIMAL.replace("hush", "'${SECRET}'").replace("host: db", "host: '${HOST:-db2}'")

    config = load(write(folder, text), {"SECRET": "s3cret", "HOST": ""})

    assert config.source.read_password() == "s3cret"
    assert config.source.host == "db2"


def test_a_number_may_come_from_a_variable(folder: Path) -> None:
    text = MINIMAL.replace("user: cdc", "user: cdc, port: '${PORT}'")

    assert load(write(folder, text), {"PORT": "3311"}).source.port == 3311


def test_a_value_is_not_expanded_a_second_time(folder: Path) -> None:
    text = MINIMAL.replace("hush", "'${SECRET}$${x}'")

    config = load(write(folder, text), {"SECRET": "${HOST}"})

    assert config.source.read_password() == "${HOST}${x}"


def test_a_missing_variable_names_key_and_variable_and_nothing_else(folder: Path) -> None:
    lines = refusal(folder, MINIMAL.replace("database: shop", "database: '${DATABASE}'"))

    assert lines == [
        "cdc.yaml:3: target.database: the environment variable DATABASE is not set",
        "  remedy: set it, or write a default: ${DATABASE:-…}",
    ]


def test_no_secret_appears_in_the_settings_or_in_a_refusal(folder: Path) -> None:
    text = MINIMAL.replace("localhost", "u:hush@localhost/?w=1")
    lines = refusal(folder, text)
    config = load(write(folder, text.replace("?w=1", "")), {})

    assert "hush" not in "".join(lines)
    assert "hush" not in repr(config)
    assert "hush" not in str(config.model_dump())


def test_a_password_and_a_password_file_contradict_each_other(folder: Path) -> None:
    (folder / "secret").write_text("hush\n")

    lines = refusal(folder, MINIMAL.replace("user: cdc", "user: cdc, password_file: secret"))

    assert lines == [
        "cdc.yaml:2: source.password_file: `password` is written too: keep one of the two"
    ]


def test_a_password_file_is_found_beside_the_configuration_and_read_anew(folder: Path) -> None:
    (folder / "secret").write_text("hush\n")
    config = load(write(folder, MINIMAL.replace("password: hush", "password_file: secret")), {})
    before = config.source.read_password()
    (folder / "secret").write_text("changed")

    assert (before, config.source.read_password()) == ("hush", "changed")


def test_a_password_file_that_is_not_there_is_a_mistake(folder: Path) -> None:
    lines = refusal(folder, MINIMAL.replace("password: hush", "password_file: secret"))

    assert lines == [f"cdc.yaml:2: source.password_file: there is no file {folder / 'secret'}"]


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody-of-this-name/secret"])
def test_a_password_file_that_cannot_be_is_a_mistake(folder: Path, name: str) -> None:
    lines = refusal(folder, MINIMAL.replace("password: hush", f"password_file: {name}"))

    assert lines[0].startswith("cdc.yaml:2: source.password_file: it can name no file")


@pytest.mark.parametrize(
    "host", ["db..example", "x" * 64, "db:3306", "[::1]", "two words", "mysql://db", "user@db"]
)
def test_what_cannot_be_a_host_is_a_mistake(folder: Path, host: str) -> None:
    lines = refusal(folder, MINIMAL.replace("host: db", f"host: '{host}'"))

    assert lines[0].startswith("cdc.yaml:2: source.host: ")


@pytest.mark.parametrize(
    "host", ["db.example.com.", "127.0.0.1", "::1", "fe80::1%eth0", "bücher.de"]
)
def test_names_and_addresses_are_hosts(folder: Path, host: str) -> None:
    assert (
        load(write(folder, MINIMAL.replace("host: db", f"host: '{host}'")), {}).source.host == host
    )


@pytest.mark.parametrize("value", ["true", "7", "[x]", "{x: 1}", "~"])
@pytest.mark.parametrize("key", ["database", "state_database"])
def test_a_database_s_name_is_text(folder: Path, key: str, value: str) -> None:
    text = MINIMAL.replace(", database: shop", ", database: shop, state_database: cdc")
    lines = refusal(
        folder,
        text.replace(f" {key}: {'shop' if key == 'database' else 'cdc'}", f" {key}: {value}"),
    )

    assert lines[0] == f"cdc.yaml:3: target.{key}: must be text"


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("localhost:0", ("localhost", 0)),
        ("[::]:9108", ("::", 9108)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
    ],
)
def test_http_listens_on_an_address_and_port(
    folder: Path, listen: str, address: tuple[str, int]
) -> None:
    config = load(write(folder, f"{MINIMAL}http: {{listen: '{listen}'}}\n"), {})

    assert config.http.address == address


def test_two_streams_of_different_names_get_different_server_ids() -> None:
    ids = {default_server_id(name) for name in ("shop", "blog")}

    assert len(ids) == 2
    assert all(2**31 <= each < 2**32 for each in ids)
    assert default_server_id("shop") == default_server_id("shop")


def test_the_server_id_follows_the_name_unless_it_is_written(folder: Path) -> None:
    derived = load(write(folder, MINIMAL), {})
    written = load(write(folder, MINIMAL.replace("user: cdc", "user: cdc, server_id: 7")), {})

    assert derived.source.server_id == default_server_id("shop")
    assert written.source.server_id == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "now"),
        ("{gtid: ''}", StartPosition(gtid="")),
        ("{file: binlog.000003, offset: 157}", StartPosition(file="binlog.000003", offset=157)),
    ],
)
def test_start_is_a_word_or_a_position(folder: Path, text: str, expected: object) -> None:
    assert load(write(folder, f"{MINIMAL}start: {text}\n"), {}).start == expected


@pytest.mark.parametrize("name", ["binlog", "binlog.7a", "../binlog.000007", "''"])
def test_a_start_file_without_a_number_is_refused(folder: Path, name: str) -> None:
    (line, *_) = refusal(folder, f"{MINIMAL}start: {{file: {name}, offset: 157}}\n")

    assert line.startswith("cdc.yaml:4: start.file: write a binlog file's name and number")


@pytest.mark.parametrize(
    ("start", "key"),
    [
        (f"{{file: a.1, offset: {2**63}}}", "offset"),
        (f"{{file: a.{'9' * 5000}, offset: 4}}", "file"),
    ],
)
def test_a_start_that_no_server_has_is_refused(folder: Path, start: str, key: str) -> None:
    (line, *_) = refusal(folder, f"{MINIMAL}start: {start}\n")

    assert line.startswith(f"cdc.yaml:4: start.{key}: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "mappings: is empty"),
        ("[7]", "mappings[0]: must be text"),
    ],
)
def test_a_wrong_list_of_mappings_is_one_mistake(folder: Path, text: str, told: str) -> None:
    lines = refusal(folder, f"{MINIMAL}mappings: {text}\n")

    assert [line for line in lines if not line.startswith(" ")] == [f"cdc.yaml:4: {told}"]


@pytest.mark.parametrize(
    "text",
    ["{}", "{file: a.1}", "{gtid: '', file: a.1, offset: 4}", "{gtid: '', offset: 4}", "soon"],
)
def test_half_a_start_position_is_refused(folder: Path, text: str) -> None:
    (line, *_) = refusal(folder, f"{MINIMAL}start: {text}\n")

    assert line.startswith("cdc.yaml:4: start: ")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("off", "off"),
        ("required", "required"),
        ("verify", "verify"),
        ("{ca: ca.pem}", "verify"),
        ("{mode: required, cert: ca.pem, key: ca.pem}", "required"),
    ],
)
def test_tls_is_a_word_or_holds_files(folder: Path, text: str, mode: str) -> None:
    certify(folder / "ca.pem")

    config = load(write(folder, MINIMAL.replace("user: cdc", f"user: cdc, tls: {text}")), {})

    assert config.source.tls.mode == mode


@pytest.mark.parametrize(
    "text", ["true", "on", "{mode: off, ca: ca.pem}", "{cert: ca.pem}", "{key: ca.pem}"]
)
def test_a_doubtful_tls_setting_is_refused(folder: Path, text: str) -> None:
    (folder / "ca.pem").touch()

    (line, *_) = refusal(folder, MINIMAL.replace("user: cdc", f"user: cdc, tls: {text}"))

    assert line.startswith("cdc.yaml:2: source.tls")


@pytest.mark.parametrize("text", ["{ca: ca.pem}", "{cert: ca.pem, key: ca.pem}"])
def test_a_file_that_is_no_certificate_is_refused(folder: Path, text: str) -> None:
    (folder / "ca.pem").write_text("not PEM")

    (line, *_) = refusal(folder, MINIMAL.replace("user: cdc", f"user: cdc, tls: {text}"))

    assert line.startswith("cdc.yaml:2: source.tls.")
    assert "is of no use to TLS" in line


def test_a_password_file_that_vanishes_is_a_mistake_in_usage(folder: Path) -> None:
    (folder / "secret").write_text("hush")
    config = load(write(folder, MINIMAL.replace("password: hush", "password_file: secret")), {})
    (folder / "secret").unlink()

    with pytest.raises(UsageError, match="password_file cannot be read"):
        config.source.read_password()


def certify(path: Path) -> None:
    """Write a certificate that signs itself, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cdc")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path.write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def test_a_time_zone_that_nobody_knows_is_refused(folder: Path) -> None:
    lines = refusal(folder, MINIMAL.replace("user: cdc", "user: cdc, time_zone: Mars/Olympus"))

    assert any("time_zone" in each and "write one as Europe/Berlin" in each for each in lines)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "'+02:00'"])
def test_a_time_zone_is_a_name_or_an_offset(folder: Path, zone: str) -> None:
    path = write(folder, MINIMAL.replace("user: cdc", f"user: cdc, time_zone: {zone}"))

    assert load(path).source.time_zone == zone.strip("'")


@pytest.mark.parametrize("zone", ["+00:00", "-00:00"])
def test_no_offset_is_utc_by_whose_name_mappings_are_the_same(folder: Path, zone: str) -> None:
    path = write(folder, MINIMAL.replace("user: cdc", f"user: cdc, time_zone: '{zone}'"))

    assert load(path).source.time_zone == "UTC"


def test_state_and_documents_do_not_share_a_database(folder: Path) -> None:
    lines = refusal(folder, MINIMAL.replace("database: shop", "database: cdc"))

    assert lines[0].startswith("cdc.yaml:3: target.state_database: must not be `database`")


BY_TOKEN = (
    "{bootstrap_servers: 'k:1', security_protocol: sasl_ssl, sasl_mechanism: OAUTHBEARER,"
    " user: cdc, password: secret}"
)


def test_a_login_by_tokens_names_who_gives_them(folder: Path) -> None:
    kafka = f"{BY_TOKEN[:-1]}, token_endpoint: 'https://id.example.com/token'}}"

    publish = load(write(folder, f"{MINIMAL}publish: {{kafka: {kafka}}}\n")).publish

    assert publish is not None
    assert publish.kafka.token_endpoint == "https://id.example.com/token"


@pytest.mark.parametrize("mechanism", ["GSSAPI", "AWS_MSK_IAM"])
def test_a_login_that_is_not_supported_is_refused_with_what_there_is(
    folder: Path, mechanism: str
) -> None:
    kafka = (
        f"{{bootstrap_servers: 'k:9093', security_protocol: sasl_ssl, sasl_mechanism: {mechanism}}}"
    )

    lines = refusal(folder, f"{MINIMAL}publish: {{kafka: {kafka}}}\n")

    [told] = [line for line in lines if "sasl_mechanism" in line]
    assert f"{mechanism} is not supported: write SCRAM-SHA-512" in told


@pytest.mark.parametrize(
    "text",
    [
        "apply: {batch_bytes: 16777217}",
        "apply: {lanes: 0}",
        "apply: {lanes: 2, mode: at_least_once}",
        "apply: {kafka: {bootstrap_servers: 'k:9092'}}",
        "apply: {lanes: 2, kafka: {bootstrap_servers: k}}",
        f"publish: {{kafka: {BY_TOKEN}}}",
        f"publish: {{kafka: {BY_TOKEN[:-1]}, token_endpoint: id.example.com}}}}",
        "publish: {kafka: {bootstrap_servers: 'k:1', token_endpoint: 'https://id/token'}}",
        "publish: {kafka: {bootstrap_servers: 'k:1', token_scope: all}}",
        "apply: {batch_rows: true}",
        "apply: {batch_rows: 10001}",
        "apply: {mode: twice}",
        "log: {format: xml}",
        "mappings: []",
        "mappings: [nowhere/*.yaml]",
        "dead_letters: {window_seconds: .inf}",
        "dead_letters: {window_seconds: 1e300}",
        "chunks: {max_lag_seconds: nan}",
        "http: {listen: '::1:9108'}",
        "http: {listen: '[::1]:65536'}",
        "http: {listen: '127.0.0.1'}",
        "http: {listen: ':9108'}",
    ],
)
def test_a_value_out_of_its_range_is_refused_at_its_line(folder: Path, text: str) -> None:
    lines = refusal(folder, f"{MINIMAL}{text}\n")

    assert lines[0].startswith("cdc.yaml:4: ")
    assert text.split(":")[0] in lines[0]


def test_a_folder_with_glob_characters_in_its_name_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "a[b]"
    (folder / "mappings").mkdir(parents=True)
    (folder / "mappings" / "users.yaml").touch()

    assert load(write(folder, MINIMAL), {}).mappings


def test_settings_cannot_be_changed(folder: Path) -> None:
    config: Config = load(write(folder, MINIMAL), {})

    with pytest.raises(ValueError, match="frozen"):
        config.source.port = 1


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("name: a\nname: b\n", 2, "the key `name` stands twice, first on line 1"),
        ("name: a\nsource:\n\thost: b\n", 3, "a tab where YAML wants spaces"),
        ("name: a\nsource: {host: b\n", 3, "not YAML"),
        ("name: [a\n", 2, "not YAML"),
        ("name: a\nsource: &x\n  host: *x\n", 2, "this holds an alias to itself"),
        ("name: a\nsource: &x\n  <<: *x\n", 2, "this holds an alias to itself"),
        ("name: a\nmappings: &x [*x]\n", 2, "this holds an alias to itself"),
        ("name: a\nsource: " + "[" * 101 + "]" * 101, 2, "this nests deeper than 100 levels"),
        ("name: a\nsource: " + "[" * 2000 + "]" * 2000, 2, "this nests deeper than 100 levels"),
        (
            "name: a\nsource: {port: " + "1" * 5000 + "}",
            2,
            "no int that can be read, of 5000 characters",
        ),
        ("name: a\nsource: {port: !!int a}", 2, "no int that can be read"),
        ("name: a\nsource: {port: !!bool a}", 2, "no bool that can be read"),
        ("name: a\nsource: {port: !!timestamp a}", 2, "no timestamp that can be read"),
        ("", None, "the file holds no keys"),
        ("- a\n", None, "the file holds no keys"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(
    folder: Path, text: str, line: int | None, what: str
) -> None:
    lines = refusal(folder, text)

    place = "cdc.yaml" if line is None else f"cdc.yaml:{line}"
    assert lines[0].startswith(f"{place}: {what}")


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no configuration file") as caught:
        load(tmp_path / "cdc.yaml", {})

    assert caught.value.exit_code == 2


def test_the_mask_key_is_read_from_the_configuration_or_a_file(folder: Path) -> None:
    (folder / "mask.key").write_text("0123456789abcdef\n")

    written = load(write(folder, MINIMAL + "mask_key: 0123456789abcdeF\n"), {})
    filed = load(write(folder, MINIMAL + "mask_key_file: mask.key\n"), {})

    assert written.read_mask_key() == b"0123456789abcdeF"
    assert filed.read_mask_key() == b"0123456789abcdef"
    assert load(write(folder, MINIMAL), {}).read_mask_key() == b""
    assert "0123456789abcdeF" not in repr(written)


def test_a_mask_key_that_is_short_or_written_twice_is_refused(folder: Path) -> None:
    (folder / "mask.key").write_text("0123456789abcdef\n")

    short = refusal(folder, MINIMAL + "mask_key: hunter2\n")
    both = refusal(folder, MINIMAL + "mask_key: 0123456789abcdef\nmask_key_file: mask.key\n")

    assert "shorter than 16 bytes" in short[0]
    assert "hunter2" not in short[0]
    assert "keep one of the two" in both[0]
