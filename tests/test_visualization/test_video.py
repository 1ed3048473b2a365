"""Videos and folders of pictures on disk."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mmvist.engine.errors import UserError
from mmvist.visualization import PictureFolder, VideoWriter, open_writer


def frames(count: int = 5, height: int = 64, width: int = 96) -> list[np.ndarray]:
    return [np.full((height, width, 3), 40 * k % 256, np.uint8) for k in range(count)]


def write(path: Path, images: list[np.ndarray], fps: float = 8) -> None:
    with VideoWriter(path, fps) as video:
        for image in images:
            video.write(image)


@pytest.mark.parametrize('suffix', ['.mp4', '.mov', '.mkv', '.m4v'])
def test_h264_that_every_player_plays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'clip{suffix}'
    write(path, frames(), fps=8)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ('h264', 'yuv420p')
        assert (context.width, context.height) == (96, 64)
        assert stream.average_rate == 8
        images = [f.to_ndarray(format='bgr24') for f in container.decode(stream)]
    assert [round(image.mean() / 40) for image in images] == [0, 1, 2, 3, 4]


def test_colours_survive(tmp_path: Path) -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :48], image[:, 48:] = (200, 60, 20), (30, 90, 210)
    write(tmp_path / 'clip.mp4', [image] * 3)
    _, read = cv2.VideoCapture(str(tmp_path / 'clip.mp4')).read()
    difference = np.abs(read.astype(int) - image)
    assert difference[:, 4:40].max() < 12
    assert difference[:, 56:92].max() < 12


def test_the_index_stands_in_front(tmp_path: Path) -> None:
    write(tmp_path / 'clip.mp4', frames())
    data = (tmp_path / 'clip.mp4').read_bytes()
    assert data.index(b'moov') < data.index(b'mdat')


def test_odd_sizes_grow_by_a_pixel(tmp_path: Path) -> None:
    write(tmp_path / 'clip.mp4', frames(height=63, width=95))
    with av.open(str(tmp_path / 'clip.mp4')) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height) == (96, 64)


def test_odd_rates(tmp_path: Path) -> None:
    write(tmp_path / 'clip.mp4', frames(30), fps=Fraction(30000, 1001))
    with av.open(str(tmp_path / 'clip.mp4')) as container:
        rate = container.streams.video[0].average_rate
    assert float(rate) == pytest.approx(29.97, abs=0.01)


@pytest.mark.parametrize('times', [(None,) * 3, (0.0, 0.04, 1.5)])
def test_without_libx264_it_says_so_and_writes_mpeg4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: tuple
) -> None:
    monkeypatch.setattr(av, 'codecs_available', {'mpeg4'})
    with (
        pytest.warns(UserWarning, match='no libx264'),
        VideoWriter(tmp_path / 'clip.mp4', fps=10) as video,
    ):
        for image, seconds in zip(frames(3), times, strict=True):
            video.write(image, seconds)
    with av.open(str(tmp_path / 'clip.mp4')) as container:
        assert container.streams.video[0].codec_context.name == 'mpeg4'
        found = [float(frame.time) for frame in container.decode(video=0)]
    expected = [0, 0.1, 0.2] if times[0] is None else times
    assert found == pytest.approx(expected, abs=1e-3)


def test_what_was_written_before_an_error_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / 'clip.mp4'
    with pytest.raises(RuntimeError, match='stop'), VideoWriter(path) as video:
        for image in frames(3):
            video.write(image)
        raise RuntimeError('stop')
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 3


def test_no_frame_no_file(tmp_path: Path) -> None:
    write(tmp_path / 'clip.mp4', [])
    assert not (tmp_path / 'clip.mp4').exists()


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='is written as'):
        VideoWriter(tmp_path / 'clip.gif')
    with pytest.raises(UserError, match='0 frames a second'):
        VideoWriter(tmp_path / 'clip.mp4', fps=0)
    with pytest.raises(UserError, match='cannot be written'):
        write(tmp_path / 'nowhere' / 'clip.mp4', frames())
    with pytest.raises(ValueError, match='in a video of'):
        write(tmp_path / 'clip.mp4', [*frames(1), *frames(1, width=50)])


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    with open_writer(tmp_path / 'pictures') as folder:
        for image in frames(2):
            folder.write(image)
    names = sorted(path.name for path in (tmp_path / 'pictures').iterdir())
    assert names == ['000000.png', '000001.png']
    assert (cv2.imread(str(tmp_path / 'pictures' / names[1])) == 40).all()
    with pytest.raises(UserError, match='pictures is not empty'):
        PictureFolder(tmp_path / 'pictures')
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match='cannot be made'):
        PictureFolder(tmp_path / 'file')


def test_the_suffix_chooses(tmp_path: Path) -> None:
    assert isinstance(open_writer(tmp_path / 'a.mp4'), VideoWriter)
    assert isinstance(open_writer(tmp_path / 'a'), PictureFolder)
    with pytest.raises(UserError, match='is written as'):
        open_writer(tmp_path / 'a.avi')


def test_frames_stand_at_their_times(tmp_path: Path) -> None:
    """Closer than the rate has it, too; what does not come behind follows at it."""
    path = tmp_path / 'clip.mp4'
    times = (0.0, 0.02, 0.05, 1.0, 0.5, None, 2.0)
    with VideoWriter(path, fps=10) as video:
        for image, seconds in zip(frames(7), times, strict=True):
            video.write(image, seconds)
    with av.open(str(path)) as container:
        found = [float(frame.time) for frame in container.decode(video=0)]
    expected = [0, 0.02, 0.05, 1.0, 1.1, 1.2, 2.0]
    assert found == pytest.approx(expected, abs=1e-4)
