from __future__ import annotations

import contextlib
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from search_engine.data.decode import FORMATS, MAX_SIDE, PictureError, decode_image, to_pixels
from tests.engine.data.drawing import encoded, noise, picture, two_halves

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.subtract(np.asarray(pixel), colour)).max() < 12)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_allowed_format_gives_rgb(kind: str) -> None:
    image = decode_image(encoded(two_halves(), kind))
    assert (image.mode, image.size, image.format) == ("RGB", (40, 20), kind)
    assert near(image.getpixel((5, 10)), RED)
    assert near(image.getpixel((35, 10)), BLUE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_comes_out_upright(orientation: int) -> None:
    turned_back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = two_halves()
    if orientation > 1:
        stored = stored.transpose(turned_back[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode_image(encoded(stored, "JPEG", exif=exif, quality=95))
    assert image.size == (40, 20)
    assert near(image.getpixel((3, 10)), RED)
    assert near(image.getpixel((37, 10)), BLUE)


def test_a_photo_with_damaged_camera_notes_is_still_used() -> None:
    data = encoded(two_halves(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\xff\xff")
    assert decode_image(data).size == (40, 20)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_greys_are_scaled_not_cut_to_white(kind: str) -> None:
    greys = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    pixels = np.asarray(decode_image(encoded(Image.fromarray(greys), kind)))
    assert pixels[..., 0].ravel().tolist() == list(range(256))


def test_16_bit_greys_in_the_other_byte_order_are_scaled_too() -> None:
    greys = np.linspace(0, 65535, 256).round().astype(">u2").reshape(16, 16)
    image = Image.frombytes("I;16B", (16, 16), greys.tobytes())
    assert np.asarray(decode_image(encoded(image, "TIFF")))[..., 1].ravel().tolist() == list(range(256))


def test_a_dark_16_bit_picture_stays_dark() -> None:
    greys = np.full((16, 16), 200, np.uint16)
    assert np.asarray(decode_image(encoded(Image.fromarray(greys)))).max() == 1


@pytest.mark.parametrize(
    ("values", "brightest"), [((0.0, 1.0), 255), ((0.0, 255.0), 255), ((-3.0, 5.0), 255), ((0.0, 0.5), 128)]
)
def test_floating_point_tiffs_are_scaled(values: tuple[float, float], brightest: int) -> None:
    pixels = np.array([values] * 8, np.float32).repeat(4, axis=1)
    image = np.asarray(decode_image(encoded(Image.fromarray(pixels), "TIFF")))
    assert (image.min(), image.max()) == (0, brightest)


def test_transparent_areas_show_white() -> None:
    clear = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 10, 10))
    palette = clear.quantize(8)
    grey = Image.new("LA", (20, 10), (0, 0))
    for image in (clear, palette, grey):
        assert decode_image(encoded(image)).getpixel((15, 5)) == WHITE
    assert near(decode_image(encoded(clear)).getpixel((5, 5)), RED)
    assert near(decode_image(encoded(palette)).getpixel((5, 5)), RED)


def test_cmyk_one_bit_and_palette_pictures_are_converted() -> None:
    assert near(decode_image(encoded(two_halves().convert("CMYK"), "JPEG")).getpixel((5, 10)), RED)
    assert decode_image(encoded(Image.new("1", (9, 9), 1))).getpixel((4, 4)) == WHITE
    assert near(decode_image(encoded(two_halves().quantize(4))).getpixel((35, 10)), BLUE)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (12, 12), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert near(decode_image(data).getpixel((6, 6)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_picture_that_is_cut_off_does_not_pass(kind: str) -> None:
    data = picture(kind=kind, size=(64, 64))
    with pytest.raises(PictureError, match=r"cut off|damaged") as caught:
        decode_image(data[: len(data) // 2])
    assert caught.value.code in ("truncated", "damaged")


def png_that_declares(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))

    head = struct.pack(">LLBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(50_000, 50_000), (10_000, 10_000), (8_000, 6_251)])
def test_a_pixel_bomb_is_refused_from_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="the limit is 50 million") as caught:
        decode_image(png_that_declares(*size))
    assert caught.value.code == "too_many_pixels"


def test_the_pixel_limit_is_inclusive() -> None:
    assert decode_image(picture(size=(20, 10)), max_pixels=200).size == (20, 10)
    with pytest.raises(PictureError, match="20 x 10 pixels"):
        decode_image(picture(size=(20, 10)), max_pixels=199)


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "empty", "empty"),
        (b"Not found. Try again later.", "not_a_picture", "This is text"),
        ("naïve ünïcode – 箱".encode(), "not_a_picture", "This is text"),
        (b"<!DOCTYPE html><html></html>", "not_a_picture", "a web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "format", "an SVG drawing"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "format", "HEIC photo"),
        (b"\0\0\0\x18ftypisom" + bytes(50), "format", "a video"),
        (b"%PDF-1.7\n", "format", "a PDF"),
        (b"8BPS" + bytes(50), "format", "Photoshop"),
        (b"PK\x03\x04" + bytes(50), "format", "zip archive"),
        (b"\x89PNG\r\n\x1a\n", "truncated", "cut off"),
        (picture()[:16] + b"\xff" * 8 + picture()[24:], "damaged", "is damaged"),
        (picture(0, "JPEG")[:100], "truncated", "cut off"),
        (bytes(range(200, 256)), "not_a_picture", "not a picture that can be read"),
    ],
)
def test_it_says_what_a_file_is_instead(data: bytes, code: str, says: str) -> None:
    with pytest.raises(PictureError, match=says) as caught:
        decode_image(data)
    assert caught.value.code == code


def test_formats_off_the_list_are_refused_whatever_the_name() -> None:
    for kind in ("ICO", "TGA", "PCX", "JPEG2000", "SGI"):
        with pytest.raises(PictureError):
            decode_image(encoded(Image.new("RGB", (32, 32)), kind))


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"]), data=st.data())
def test_damaged_bytes_give_a_picture_or_a_picture_error(kind: str, data: st.DataObject) -> None:
    content = bytearray(picture(kind=kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PictureError):  # any other error fails the test
        assert decode_image(bytes(content)).mode == "RGB"


def test_pixels_are_those_of_the_decoded_picture() -> None:
    data = picture(kind="JPEG", size=(70, 50))
    pixels = to_pixels(data)
    assert pixels.shape == (50, 70, 3)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.asarray(decode_image(data)))
    assert pixels.flags.writeable


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_pictures_are_shrunk_alike_in_every_format(kind: str) -> None:
    pixels = to_pixels(encoded(two_halves((5000, 3000)), kind))
    assert max(pixels.shape) <= MAX_SIDE
    assert abs(pixels.shape[1] / pixels.shape[0] - 5 / 3) < 0.01
    assert near(pixels[500, 100], RED)
    assert near(pixels[500, -100], BLUE)


def test_a_very_long_strip_keeps_a_row() -> None:
    assert to_pixels(encoded(noise(size=(30_000, 3)), "JPEG")).shape[1] <= MAX_SIDE
