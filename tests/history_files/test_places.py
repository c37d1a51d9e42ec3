"""The same history in a folder, in a bucket and in a filesystem of fsspec: the same rows, bars and answers."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pyarrow.fs as arrow_fs
import pytest

from alphastream.errors import DamagedFileError, ParameterError, StorageError
from alphastream.history import open_tape
from alphastream.history.__main__ import main
from alphastream.history.files import FileWriter, write
from alphastream.history.layout import Partition, day_of
from alphastream.history.places import Place
from alphastream.history.reading import opened
from alphastream.history.tables import table_of
from tests import servers
from tests.history_files import archive
from tests.history_files.test_bars import equal, of
from tests.history_files.trades import BTC, ETH, NOON, same, ticks

SYMBOL = "kraken-spot:XBT/USD"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server with one bucket."""
    with servers.moto_s3(tmp_path_factory.mktemp("s3")) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix of its own in the bucket, as a person names it: credentials and server by the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    client = arrow_fs.S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True)
    client.create_dir("tapes")
    return f"s3://tapes/{uuid4().hex}"


def fill(where: str | Path) -> None:
    """Write two instruments, one of them in two files a day that share rows."""
    wanted, place = ticks(30_000), Place(where)
    write(place, "ticks", BTC, wanted.rows(wanted.id % 7 != 0), "on-time")
    write(place, "ticks", BTC, wanted.rows((wanted.id % 7 == 0) | (wanted.id % 5 == 0)), "late")
    write(place, "ticks", SYMBOL, ticks(5_000, seed=2))


def check(where: str | Path) -> None:
    """Read it in every way."""
    tape, wanted = open_tape(where), ticks(30_000)
    assert tape.instruments() == [BTC, SYMBOL]
    assert same(tape.ticks(BTC), wanted)
    assert same(tape.ticks(SYMBOL), ticks(5_000, seed=2))
    assert equal(tape.bars(BTC, "1m"), of(wanted, 60 * 10**9))
    start, end = NOON + 60 * 10**9, NOON + 90 * 10**9
    assert same(tape.ticks(BTC, start, end), wanted.rows((wanted.time_ns >= start) & (wanted.time_ns < end)))
    answer = tape.sql("SELECT symbol, count(*) AS n, sum(id)::BIGINT AS ids FROM ticks GROUP BY 1 ORDER BY 1")
    assert answer.to_pylist() == [
        {"symbol": "BTCUSDT", "n": 30_000, "ids": int(wanted.id.sum())},
        {"symbol": "XBT/USD", "n": 5_000, "ids": 5_000 * 5_001 // 2},
    ]
    assert main(["--history", str(where), "verify"]) == 0


def test_a_folder_and_a_bucket_hold_the_same(bucket: str, tmp_path: Path) -> None:
    for where in (tmp_path / "history", bucket):
        fill(where)
        check(where)


def test_any_other_filesystem_of_fsspec_serves(tmp_path: Path) -> None:
    where = f"memory://{uuid4().hex}"
    fill(where)
    check(where)


def test_a_query_reads_its_own_bucket_only(bucket: str, tmp_path: Path) -> None:
    fill(bucket)
    other = f"s3://tapes/{uuid4().hex}"
    fill(other)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for source in (f"read_parquet('{other}/*/*/*/*/*.parquet')", f"read_csv('{tmp_path}/secret.csv')"):
        with pytest.raises(ParameterError, match="cannot be run"):
            open_tape(bucket).sql(f"SELECT * FROM {source}")
    with pytest.raises(ParameterError, match="cannot be run"):
        open_tape(bucket).sql(f"COPY (SELECT 1) TO '{bucket}/out.csv'")


def test_an_upload_that_breaks_off_shows_nothing(bucket: str) -> None:
    place = Place(bucket)

    def break_off() -> None:
        with FileWriter(place, Partition.of("ticks", BTC, day_of(NOON)), "x") as file:
            file.add(table_of("ticks", ticks(100)))
            raise StorageError("the recorder ends here")

    with pytest.raises(StorageError, match="ends here"):
        break_off()
    assert place.find() == []
    assert open_tape(bucket).ticks(BTC).id.size == 0


def test_what_is_not_there_or_is_no_file_of_a_history_is_said(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with pytest.raises(StorageError, match="is not there any more"):
        opened(place, "ticks/x.parquet")
    target = tmp_path / Partition.of("ticks", ETH, day_of(NOON)).file("x")
    target.parent.mkdir(parents=True)
    target.write_bytes(b"PAR1 but no more")
    with pytest.raises(DamagedFileError, match=r"x\.parquet cannot be read"):
        open_tape(tmp_path).ticks(ETH)
    with pytest.raises(ParameterError, match="no kind of place"):
        Place("gopher://host/x")


def test_published_files_go_into_a_bucket_once(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = archive.um(tmp_path, "daily", "aggTrades", "BTCUSDT", "2024-08-08")
    archive.publish(path, archive.futures_trades(range(1_000)))
    for said in ("1,000 new", "is in already"):
        assert main(["import", str(tmp_path), "--into", bucket]) == 0
        assert capsys.readouterr().err.endswith(f"{BTC} ticks: {said}\n")
    assert open_tape(bucket).ticks(BTC).id.tolist() == list(range(1_000))


def test_a_place_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("not a folder")
    tape = open_tape(tmp_path / "history")
    for read in (tape.instruments, lambda: tape.ticks(BTC), lambda: tape.sql("FROM ticks")):
        with pytest.raises(StorageError, match=r"history/ticks.* cannot be listed"):
            read()


def test_a_bucket_that_does_not_answer_is_told(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{servers.free_ports(1)[0]}")
    tape = open_tape(bucket)
    for read in (tape.instruments, lambda: tape.ticks(BTC), lambda: tape.sql("FROM ticks")):
        with pytest.raises(StorageError, match=r"s3://tapes/.*/ticks.* cannot be listed"):
            read()
