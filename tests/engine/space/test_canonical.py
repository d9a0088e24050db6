"""Networks that are the same share a key; networks that differ do not."""

from __future__ import annotations

import dataclasses

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.space.architecture import Cell, Genome, Head, Node
from search_engine.space.build import Candidate
from search_engine.space.canonical import key_of
from search_engine.space.cost import cost
from search_engine.space.graph import canonical, simplify
from search_engine.space.layout import layout
from tests.engine.space.genomes import RECIPE, cells, features, genome

CONV = Cell((Node(0, "conv_1x1", 1, "sep_conv_3x3"), Node(2, "max_pool_3x3", 0, "conv_1x1")))


def swapped(cell: Cell) -> Cell:
    """Every node's operands exchanged."""
    return Cell(tuple(Node(n.input_b, n.op_b, n.input_a, n.op_a) for n in cell.nodes))


@st.composite
def permuted_pairs(draw: st.DrawFn, nodes: int = 5) -> tuple[Cell, Cell]:
    """A cell and the same cell with its nodes in another order that is legal."""
    cell = draw(cells(nodes))
    waiting, order = list(range(nodes)), list[int]()
    while waiting:
        reads = {
            i: {s - 2 for s in (cell.nodes[i].input_a, cell.nodes[i].input_b) if s >= 2} for i in waiting
        }
        ready = [i for i in waiting if reads[i] <= set(order)]
        order.append(draw(st.sampled_from(ready)))
        waiting.remove(order[-1])
    place = {0: 0, 1: 1} | {2 + old: 2 + new for new, old in enumerate(order)}
    moved = [cell.nodes[old] for old in order]
    return cell, Cell(tuple(Node(place[n.input_a], n.op_a, place[n.input_b], n.op_b) for n in moved))


@settings(max_examples=400, deadline=None)
@given(permuted_pairs(), st.booleans())
def test_the_order_of_nodes_and_operands_does_not_matter(pair: tuple[Cell, Cell], reduction: bool) -> None:
    first, second = pair
    other = swapped(second)
    if reduction:
        assert key_of(genome(CONV, first)) == key_of(genome(CONV, other))
    else:
        assert key_of(genome(first)) == key_of(genome(other))


@settings(max_examples=150, deadline=None)
@given(cells(), cells(), st.sampled_from([1, 2]), st.booleans())
def test_one_key_means_one_cost(first: Cell, second: Cell, repeats: int, with_reduction: bool) -> None:
    plain = genome(first, second if with_reduction else None, repeats=repeats)
    other = genome(swapped(first), swapped(second) if with_reduction else None, repeats=repeats)
    assert key_of(plain) == key_of(other)
    assert cost(plain, 4) == cost(other, 4)


@settings(max_examples=300, deadline=None)
@given(cells(6), st.booleans(), st.booleans())
def test_the_canonical_graph_is_a_fixed_point(cell: Cell, same_inputs: bool, reduction: bool) -> None:
    graph = canonical(simplify(cell, same_inputs=same_inputs, reduction=reduction))
    assert canonical(graph) == graph
    assert list(graph.outputs) == sorted(set(graph.outputs))
    for i, pair in enumerate(graph.nodes):
        assert all(state < graph.inputs + i for state, _ in pair)


def test_ten_alike_nodes_are_ordered_at_once() -> None:
    cell = Cell(tuple(Node(0, "conv_1x1", 1, "conv_1x1") for _ in range(10)))
    assert len(canonical(simplify(cell, same_inputs=False, reduction=False)).nodes) == 10


def same(first: Cell, second: Cell, **options: int) -> bool:
    return key_of(genome(first, **options)) == key_of(genome(second, **options))  # type: ignore[arg-type]


def test_a_node_that_hands_on_its_input_is_no_node() -> None:
    long = Cell((Node(0, "conv_1x1", 1, "conv_1x1"), Node(2, "identity", 2, "identity")))
    short = Cell((Node(0, "conv_1x1", 1, "conv_1x1"),))
    assert same(long, short)


def test_pooling_twice_in_the_same_way_is_pooling_once() -> None:
    pool, conv = Node(0, "max_pool_3x3", 1, "identity"), Node(2, "conv_1x1", 0, "identity")
    assert same(Cell((pool, pool, conv)), Cell((pool, conv, Node(0, "max_pool_3x3", 1, "identity"))))


def test_two_convolutions_with_weights_of_their_own_are_two() -> None:
    node = Node(0, "conv_1x1", 1, "conv_1x1")
    assert not same(Cell((node,)), Cell((node, node)))


def test_in_a_reduction_identity_has_weights() -> None:
    node, twice = Node(0, "conv_1x1", 1, "conv_1x1"), Node(0, "identity", 0, "identity")
    assert key_of(genome(CONV, Cell((node, twice)))) != key_of(genome(CONV, Cell((node, twice, twice))))


def test_the_first_cell_has_one_input_whatever_it_is_called() -> None:
    older, newer = Cell((Node(0, "conv_1x1", 0, "identity"),)), Cell((Node(1, "conv_1x1", 0, "identity"),))
    assert same(older, newer, repeats=1)
    assert not same(older, newer, repeats=2)


def test_a_cell_that_nothing_reads_is_left_out() -> None:
    """Two cells that only read the one before last: the first of them is dead."""
    skipping = Cell((Node(0, "conv_1x1", 0, "max_pool_3x3"),))
    assert len(layout(genome(skipping, repeats=2)).cells) == 1
    assert key_of(genome(skipping, repeats=2)) == key_of(genome(skipping, repeats=1))


def test_without_cells_nothing_of_them_matters() -> None:
    first, second = genome(CONV, repeats=0), genome(swapped(CONV), CONV, repeats=0, width=64, shortcut=False)
    assert key_of(first) == key_of(second)


def test_the_order_of_taps_does_not_matter_but_their_choice_does() -> None:
    assert key_of(genome(CONV, taps=("stage6", "stage4"))) == key_of(genome(CONV, taps=("stage4", "stage6")))
    assert key_of(genome(CONV, taps=("stage6",))) != key_of(genome(CONV, taps=("stage4", "stage6")))


def test_recipe_head_width_and_shortcut_matter() -> None:
    base = genome(CONV)
    changes: list[Genome] = [
        dataclasses.replace(base, recipe=dataclasses.replace(RECIPE, learning_rate=0.005)),
        dataclasses.replace(base, head=Head(128, 0.0)),
        dataclasses.replace(base, head=Head(0, 0.2)),
        dataclasses.replace(base, width=64),
        dataclasses.replace(base, shortcut=False),
        dataclasses.replace(base, repeats=1),
        dataclasses.replace(base, reduction=CONV),
        dataclasses.replace(base, pooled=True),
    ]
    assert len({key_of(g) for g in (base, *changes)}) == 9


def test_the_key_is_the_one_that_older_ledgers_hold() -> None:
    """Stored trials are compared by key: if this value changes, old searches no longer know their repeats."""
    assert key_of(Genome.from_dict(genome(CONV).to_dict())) == "8cacc0e5947248fd"


def test_what_is_done_to_pixels_says_nothing_of_a_network_on_a_trunk() -> None:
    base = genome(CONV)
    for change in ({"shift": 4}, {"flip": True}, {"augment": "affine"}, {"erase": 0.5}):
        recipe = dataclasses.replace(RECIPE, **change)
        assert key_of(dataclasses.replace(base, recipe=recipe)) == key_of(base)
    balanced = dataclasses.replace(RECIPE, balance=1.0)
    assert key_of(dataclasses.replace(base, recipe=balanced)) != key_of(base)


def test_alike_keys_are_alike_networks() -> None:
    first, second = genome(CONV), genome(swapped(CONV))
    outputs = []
    for each in (first, second):
        torch.manual_seed(3)
        with torch.no_grad():
            model = Candidate(each, 3).eval()
            torch.manual_seed(4)
            outputs.append(model(features(2)))
    assert torch.equal(outputs[0], outputs[1])
