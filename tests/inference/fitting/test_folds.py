"""Which fold a text is in."""

from inference_server.fitting.folds import fold_of


def test_texts_that_fold_to_the_same_share_a_fold() -> None:
    assert len({fold_of(f"要件{n}") for n in range(50)}) == 5
    assert [fold_of("要件") for _ in range(3)] == [fold_of("要件")] * 3
