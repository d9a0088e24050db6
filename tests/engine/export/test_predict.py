from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search_engine.data.decode import to_pixels
from search_engine.export.predict import Classifier, PictureError, load
from tests.engine.data.drawing import encoded, noise, picture
from tests.engine.export.bundles import LABELS, expected, make_bundle


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return load(make_bundle(tmp_path_factory.mktemp("bundle")))


def test_the_most_likely_label_comes_first(classifier: Classifier) -> None:
    (answer,) = classifier.classify(encoded(Image.new("RGB", (30, 20), (10, 90, 60))))
    assert [prediction.label for prediction in answer] == ["grün", "blau & 箱", "rot"]
    assert sum(prediction.probability for prediction in answer) == pytest.approx(1)
    assert [type(prediction.probability) for prediction in answer] == [float] * 3


def test_pictures_of_any_size_are_answered_one_by_one(classifier: Classifier) -> None:
    files = [picture(1), picture(2, "JPEG", (64, 48)), picture(3, "WEBP", (7, 90))]
    answers = classifier.classify(files, top_k=2)
    assert [len(answer) for answer in answers] == [2, 2, 2]
    for data, answer in zip(files, answers, strict=True):
        best = expected(to_pixels(data))
        assert answer[0].label == LABELS[int(best.argmax())]
        assert answer[0].probability == pytest.approx(best.max(), abs=1e-5)


def test_probabilities_are_in_the_order_of_the_labels(classifier: Classifier) -> None:
    pixels = np.asarray(noise(5, (33, 21)))
    probabilities = classifier.probabilities(pixels)
    assert probabilities.dtype == np.float32
    assert classifier.labels == tuple(LABELS)
    np.testing.assert_allclose(probabilities, expected(pixels), atol=1e-5)


def test_equal_labels_keep_their_order(classifier: Classifier) -> None:
    answer = classifier.rank(np.array([0.25, 0.5, 0.25], np.float32))
    assert [prediction.label for prediction in answer] == ["grün", "rot", "blau & 箱"]


def test_a_file_that_is_no_picture_is_an_error_in_words(classifier: Classifier) -> None:
    with pytest.raises(PictureError, match="This is text"):
        classifier.classify(b"hello there")


def test_several_threads_may_ask_at_once(classifier: Classifier) -> None:
    files = [picture(seed, size=(40, 40)) for seed in range(8)]
    alone = [classifier.classify(data) for data in files]
    together: dict[int, object] = {}

    def ask(i: int) -> None:
        together[i] = classifier.classify(files[i])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[i] for i in range(8)] == alone


def test_a_bundle_with_the_wrong_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"answers for 3 labels, but labels\.json lists 2"):
        load(make_bundle(tmp_path, ["a", "b"]))


def test_a_bundle_without_its_network_is_refused(tmp_path: Path) -> None:
    (make_bundle(tmp_path) / "model.onnx").unlink()
    with pytest.raises(FileNotFoundError, match="Unpack the whole bundle"):
        load(tmp_path)
