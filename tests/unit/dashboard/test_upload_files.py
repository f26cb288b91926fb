"""What strangers send is looked at before anything is done with it."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from dashboard.demo.upload import archives, kinds, limits, pictures, tables
from dashboard.demo.upload.refusals import BadFile
from tests.unit.dashboard.uploads import picture, written, zipped


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_is_known_by_its_content(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path / "table.csv", picture(kind=kind))
    assert kinds.of_file(path) == kinds.PICTURE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"MZ\x90\x00", "a program"),
        (b"\x00\x00\x00\x20ftypisom", "a video"),
        (b"\xff\xfe\x00\x01", "something else"),
        (b"only words, in two lines\nand no", ""),
        (b"only words", "a text without columns"),
        (b"   \n", "something else"),
        (b"name,\xff\xfe", "something else"),
    ],
)
def test_another_type_is_refused_by_name(data: bytes, reason: str, tmp_path: Path) -> None:
    path = written(tmp_path / "picture.jpg", data)
    if not reason:
        assert kinds.of_file(path) == kinds.TABLE
        return
    with pytest.raises(BadFile, match=reason):
        kinds.of_file(path)


def test_a_letter_cut_at_the_end_of_the_head_is_still_text() -> None:
    assert kinds.is_text("sku,größe".encode()[:-3])


def test_several_files_must_all_be_pictures(tmp_path: Path) -> None:
    one = written(tmp_path / "1", picture())
    assert kinds.of_upload([one, one]) == kinds.PICTURES
    with pytest.raises(BadFile, match="all be pictures"):
        kinds.of_upload([one, written(tmp_path / "2", b"a,b\n1,2\n")])


def test_without_pillow_pictures_are_refused_and_tables_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "Image", None)
    with pytest.raises(BadFile, match="Pillow is not installed"):
        kinds.of_file(written(tmp_path / "1", picture()))
    assert kinds.of_file(written(tmp_path / "2", b"sku,name\n")) == kinds.TABLE


def test_a_zip_of_pictures_is_taken_without_its_folders_and_what_systems_add(
    tmp_path: Path,
) -> None:
    names = {"a/one.jpg": picture(), "__MACOSX/a": b"x", ".DS_Store": b"x", "a/": b""}
    found = archives.check(zipped(tmp_path / "z", names))
    assert [entry.filename for entry in found] == ["a/one.jpg"]


@pytest.mark.parametrize(
    "name", ["../one.jpg", "/etc/one.jpg", "a/../../one.jpg", "..\\one.jpg", "C:\\one.jpg"]
)
def test_a_name_that_leads_out_of_the_zip_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="leads out"):
        archives.check(zipped(tmp_path / "z", {name: picture()}))


def test_a_bomb_is_refused_by_its_promise(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="unpacks to more"):
        archives.check(zipped(tmp_path / "z", {"one.jpg": bytes(20_000_000)}))


def test_many_files_that_are_too_much_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_UNPACKED", 1000)
    with pytest.raises(BadFile, match="unpacks to more"):
        archives.check(zipped(tmp_path / "z", {f"{n}.jpg": picture() for n in range(4)}))


def test_too_many_files_are_refused_before_their_list_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "z", {f"{n}.jpg": b"" for n in range(limits.MAX_ENTRIES + 1)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(BadFile, match="at most 500"):
        archives.check(path)


def test_a_zip_that_lies_about_the_number_of_its_files_is_refused(tmp_path: Path) -> None:
    files = {f"{n}.jpg": b"x" for n in range(limits.MAX_ENTRIES + 1)}
    path = zipped(tmp_path / "lie.zip", files)
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    path.write_bytes(data)
    with pytest.raises(BadFile, match="at most 500"):
        archives.check(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_broken_file_of_any_method_is_told(method: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "odd.zip", {"a.jpg": bytes(range(256)) * 12}, method)
    data = bytearray(path.read_bytes())
    data[50:90] = b"\xff" * 40
    path.write_bytes(data)
    (entry,) = archives.check(path)
    with zipfile.ZipFile(path) as archive, pytest.raises(BadFile, match="broken inside the zip"):
        archives.read(archive, entry)


def test_a_huge_list_of_files_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "z", {"one.jpg": b"x"}).read_bytes())
    data[-10:-6] = struct.pack("<L", limits.MAX_DIRECTORY + 1)
    with pytest.raises(BadFile, match="broken"):
        archives.check(written(tmp_path / "y", bytes(data)))


def test_a_zip_of_the_large_kind_is_refused(tmp_path: Path) -> None:
    data = zipped(tmp_path / "z", {"one.jpg": b"x"}).read_bytes()
    path = written(tmp_path / "y", data[:-22] + b"PK\x06\x07" + bytes(16) + data[-22:])
    with pytest.raises(BadFile, match="very large"):
        archives.check(path)


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_zip_that_was_cut_off_is_refused(kept: float, tmp_path: Path) -> None:
    data = zipped(tmp_path / "z", {"one.jpg": picture(400, 400)}).read_bytes()
    with pytest.raises(BadFile, match="cut off"):
        archives.check(written(tmp_path / "y", data[: int(len(data) * kept)]))


def test_an_empty_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="empty"):
        archives.check(zipped(tmp_path / "z", {}))


def test_a_locked_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z", {"one.jpg": b"x"})
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadFile, match="password"):
        archives.check(written(path, bytes(data)))


def test_a_broken_file_in_a_zip_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z", {"one.jpg": picture()}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    with zipfile.ZipFile(written(path, bytes(data))) as archive:
        (entry,) = archives.check(path)
        with pytest.raises(BadFile, match="broken inside"):
            archives.read(archive, entry)


def test_a_thumbnail_is_small_upright_and_tells_nothing_of_the_camera(tmp_path: Path) -> None:
    source = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Secret Camera"
    Image.new("RGB", (1200, 600)).save(source, "JPEG", exif=exif)
    source.seek(0)
    assert pictures.thumbnail(source, tmp_path / "t.jpg") == (1200, 600)
    assert b"Secret" not in (tmp_path / "t.jpg").read_bytes()
    with Image.open(tmp_path / "t.jpg") as made:
        assert made.size == (limits.MAX_SIDE // 2, limits.MAX_SIDE)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1"])
def test_a_picture_of_any_mode_becomes_a_thumbnail(mode: str, tmp_path: Path) -> None:
    pictures.thumbnail_of(picture(kind="PNG", mode=mode), tmp_path / "t.jpg")
    assert (tmp_path / "t.jpg").stat().st_size


@pytest.mark.parametrize("cut", [20, 200])
def test_a_broken_picture_is_refused_and_leaves_nothing(cut: int, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="broken"):
        pictures.thumbnail_of(picture(300, 300)[:cut], tmp_path / "t.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_too_many_pixels_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_PIXELS", 1000)
    with pytest.raises(BadFile, match="million pixels"):
        pictures.thumbnail_of(picture(100, 100), tmp_path / "t.jpg")


def test_a_zip_inside_a_zip_is_no_picture(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "z", {"one.jpg": picture()}).read_bytes()
    with pytest.raises(BadFile, match="not a picture"):
        pictures.thumbnail_of(inner, tmp_path / "t.jpg")


def tally(path: Path) -> tables.Tally:
    table = tables.Table(path)
    taken = [row for _, row in table.rows() if row is not None]
    assert len(taken) == table.tally.taken
    return table.tally


def test_rows_are_taken_and_errors_told_by_line_and_column(tmp_path: Path) -> None:
    text = (
        "\ufeffSKU;Name;Price;Stock\n"
        "a;Throw;12.50;3\n"
        "b;;free;many\n"
        '"c";"two\nlines";1;\n'
        "a;Again;1;1\n"
        "d;Short\n"
        "\n"
        "e;Fine;1.234;\n"
    )
    found = tally(written(tmp_path / "t", text.encode()))
    assert (found.taken, found.wrong) == (2, 4)
    assert [(error.line, error.column) for error in found.errors] == [
        (3, "name"),
        (3, "price"),
        (3, "stock"),
        (6, "sku"),
        (7, ""),
        (9, "price"),
    ]
    assert found.errors[3].reason == "'a' is in line 2 already"


def test_errors_are_bounded(tmp_path: Path) -> None:
    text = "sku,name,price\n" + "x,,y\n" * 1000
    found = tally(written(tmp_path / "t", text.encode()))
    assert (found.wrong, len(found.errors)) == (1000, limits.MAX_ROW_ERRORS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"sku,price\n1,2\n", "name is missing"),
        (b"sku,name,price,sku\n", "twice"),
        (b"sku,name,price\n1,\xff,2\n", "UTF-8"),
        (b'sku,name,price\n1,"open,2\n', "cannot be read"),
        (b"sku,name,price\n1,%s,2\n" % (b"x" * 200_000), "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=reason):
        tally(written(tmp_path / "t", data))


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-1", "1e9", "1e-400", "0x10", "١٢x"])
def test_a_price_that_is_none_is_told(price: str, tmp_path: Path) -> None:
    found = tally(written(tmp_path / "t", f"sku,name,price\n1,a,{price}\n".encode()))
    assert [error.column for error in found.errors] == ["price"]


@pytest.mark.parametrize("piece", [b",", b'"a\n",'], ids=["one line", "many lines"])
def test_a_row_that_never_ends_is_refused_before_it_is_held(piece: bytes, tmp_path: Path) -> None:
    path = tmp_path / "endless.csv"
    path.write_bytes(b"sku,name,price\n" + piece * (2 * limits.MAX_LINE // len(piece)))
    with pytest.raises(BadFile, match="row of the table is too long"):
        list(tables.Table(path).rows())


def test_a_sku_is_as_long_as_can_be_remembered(tmp_path: Path) -> None:
    long = "x" * (limits.MAX_SKU + 1)
    table = tables.Table(written(tmp_path / "a.csv", f"sku,name,price\n{long},a,1\n".encode()))
    list(table.rows())
    assert [error.reason for error in table.tally.errors] == ["is too long"]
    assert table.tally.seen == {}


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ROWS", 2)
    with pytest.raises(BadFile, match="more than 2 rows"):
        tally(written(tmp_path / "t", b"sku,name,price\n1,a,1\n2,a,1\n3,a,1\n"))


def _progressive(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    out = io.BytesIO()
    Image.new("L", (side, side), 128).save(out, "JPEG", progressive=True, optimize=True)
    data = out.getvalue()
    tables = max(data.rindex(b"\xff\xda"), 0)
    scan = data[tables:-2]
    return data[:-2] + scan * scans + data[-2:]


def test_a_picture_that_takes_minutes_to_decode_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        pytest.fail("It was decoded.")

    monkeypatch.setattr(pictures, "_small", decoded)
    bomb = _progressive(4000, 1000)
    assert len(bomb) < 1024 * 1024
    with pytest.raises(BadFile, match="takes too long"):
        pictures.thumbnail_of(bomb, tmp_path / "t.jpg")
    assert not (tmp_path / "t.jpg").exists()


def test_the_scans_of_a_small_picture_and_of_a_cameras_are_taken(tmp_path: Path) -> None:
    size = pictures.thumbnail_of(_progressive(100, 300), tmp_path / "t.jpg")
    assert size == (100, 100)
    out = io.BytesIO()
    Image.effect_noise((4000, 3000), 60).convert("RGB").save(out, "JPEG", progressive=True)
    assert pictures.thumbnail_of(out.getvalue(), tmp_path / "c.jpg") == (4000, 3000)


def test_a_scan_is_seen_wherever_the_file_is_cut_to_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = _progressive(16, 20)
    for piece in (1, 2, 3, 7, 1000):
        monkeypatch.setattr(pictures, "_PIECE", piece)
        assert pictures._scans(io.BytesIO(data)) == data.count(b"\xff\xda")


@pytest.mark.parametrize("part", ["PNG", "JPEG"])
def test_a_picture_of_a_million_empty_parts_is_given_up_in_time(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_PICTURE_S", 0.05)
    whole = picture(kind=part)
    after, empty = {
        "PNG": (33, b"\0\0\0\0prIv" + zlib.crc32(b"prIv").to_bytes(4, "big")),
        "JPEG": (2, b"\xff\xfe\0\2"),
    }[part]
    data = whole[:after] + empty * 300_000 + whole[after:]
    with pytest.raises(BadFile, match="takes too long"):
        pictures.thumbnail_of(data, tmp_path / "t.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_picture_of_each_kind_is_read_within_its_time(kind: str, tmp_path: Path) -> None:
    assert pictures.thumbnail_of(picture(kind=kind), tmp_path / "t.jpg") == (60, 40)
