"""Lay an exported network out for another input size, by editing its graph.

An export of a fixed size has the size in a few constants besides its input: the shapes of Reshape
nodes, the sizes of Resize nodes, and what lies over the cells of its grid (centres of cells,
strides, anchors). Each is worked out anew from the shapes before and after. What is not understood
is refused: `NotRefittedError`. Needs the package onnx: only what makes fitted files imports this.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper, shape_inference

from zmhook.detectors.yolo.fit import Size
from zmhook.detectors.yolo.heads.base import PYRAMIDS, cells
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt


Shape = tuple[int, ...]
Shapes = dict[str, Shape]

OVERLAID = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Where", "Concat"})
"""Operators that lay their operands over or beside each other: a constant may lie over the grid."""

SMALL = 64
"""Numbers at most of a constant that tells a shape; the data of larger ones tells none."""

EXACT = 1e-3
"""How far a constant may be off the grid before it is none, as a part of its largest number."""

LEAST_SLOPE = 0.5
"""From cell to cell a coordinate grows by one or by a stride; by less where it is a share of the
whole input, which cannot be carried over to another size."""

LEVELS = (*PYRAMIDS, (4,), (8,), (16,), (32,), (64,))
"""Strides of the grids that a constant may lie over: all levels of a pyramid, or one."""

FREE, COPIED = -1, 0
SPATIAL, RANK = 2, 4
SIZES = 3
"""Which input of Resize is the sizes."""
MOST_PASSES = 200


class NotRefittedError(DetectorError):
    """The network cannot be laid out for another size; the message says why."""


def refitted(data: bytes, size: Size) -> bytes:
    """Return the ONNX file in `data` for an input of `(width, height)`.

    Raises `NotRefittedError`.
    """
    try:
        model = onnx.load_model_from_string(data)
        _Refit(model, size).run()
        return bytes(model.SerializeToString())
    except NotRefittedError:
        raise
    except Exception as error:  # protobuf's and onnx's errors have no base of their own
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise NotRefittedError(f"its graph cannot be edited ({lines[0][:200]})") from error


class Layout(NamedTuple):
    """The input before and after, `(width, height)` each."""

    before: Size
    after: Size


class _Refit:
    """One network on its way to another size."""

    def __init__(self, model: onnx.ModelProto, size: Size) -> None:
        self._model = model
        self._graph = model.graph
        self._constants = dict(_constants(model.graph))
        _check(self._constants.values(), model.graph)
        self._before = _shapes(model)
        self._layout = Layout(_resized(model.graph, self._constants, size), size)
        self._done: set[int] = set()
        self._count = 0

    def run(self) -> None:
        del self._graph.value_info[:]
        for output in self._graph.output:
            output.type.tensor_type.ClearField("shape")
        for _ in range(MOST_PASSES):
            after = _shapes(self._model)
            if not self._edit_all(after):
                break
        else:
            raise NotRefittedError("its graph has too many shapes of its own")
        for output in self._graph.output:
            for side in after.get(output.name, ()):
                output.type.tensor_type.shape.dim.add().dim_value = side
        self._set_metadata()
        self._drop_unused()

    def _edit_all(self, after: Shapes) -> bool:
        """Edit what lies not behind something that is edited just now: its shapes are not known."""
        behind: set[str] = set()
        for number, node in enumerate(self._graph.node):
            is_behind = any(name in behind for name in node.input)
            if not is_behind and number not in self._done:
                self._done.add(number)
                is_behind = self._edit(node, after)
            if is_behind:
                behind.update(node.output)
        return bool(behind)

    def _edit(self, node: onnx.NodeProto, after: Shapes) -> bool:
        """Return whether the node was changed."""
        if node.op_type == "Reshape":
            return self._reshape(node, after)
        if node.op_type == "Resize":
            return self._resize(node, after)
        if node.op_type in OVERLAID:
            changed = [self._overlaid(node, index, after) for index in range(len(node.input))]
            return any(changed)
        if node.op_type == "Slice":
            self._check_slice(node, after)
        return False

    def _reshape(self, node: onnx.NodeProto, after: Shapes) -> bool:
        target = self._constant(node.input[1])
        before, now = self._sides(node.input[0], after)
        result = self._before.get(node.output[0])
        if target is None or before == now:
            return False
        if before is None or now is None or result is None:
            raise NotRefittedError(f"{_named(node)}: its shape is not known")
        shape = reshaped(before, result, now, self._layout)
        if shape is None:
            raise NotRefittedError(f"{_named(node)}: {before} to {result} has no like for {now}")
        kept = [
            old if old in (FREE, COPIED) else new
            for old, new in zip(target.tolist(), shape, strict=True)
        ]
        return self._replace(node, 1, target, np.array(kept, np.int64))

    def _resize(self, node: onnx.NodeProto, after: Shapes) -> bool:
        sizes = self._constant(node.input[SIZES]) if len(node.input) > SIZES else None
        before, now = self._sides(node.input[0], after)
        if sizes is None or before == now:
            return False
        if before is None or now is None or len(sizes) != len(before):
            raise NotRefittedError(f"{_named(node)}: its shape is not known")
        scaled = sizes * np.array(now)
        if (scaled % np.array(before)).any():
            raise NotRefittedError(f"{_named(node)}: {before} to {sizes} is no whole ratio")
        return self._replace(node, SIZES, sizes, scaled // np.array(before))

    def _overlaid(self, node: onnx.NodeProto, index: int, after: Shapes) -> bool:
        """Work out anew a constant that lies over cells whose number changes."""
        values = self._constant(node.input[index])
        if values is None or values.size == 1:
            return False
        for other in node.input:
            before, now = self._sides(other, after)
            if other == node.input[index] or before is None or now is None or before == now:
                continue
            axes = _over(values.shape, before, now)
            if node.op_type == "Concat":
                axes = [axis for axis in axes if axis[0] != _axis(node) % values.ndim]
            if not axes:
                continue
            made = regridded(values, axes[0], self._layout) if len(axes) == 1 else None
            if made is None:
                raise NotRefittedError(
                    f"{_named(node)}: a constant of {values.shape} lies over the grid, and is "
                    "neither the places of cells nor their strides"
                )
            return self._replace(node, index, values, made)
        return False

    def _check_slice(self, node: onnx.NodeProto, after: Shapes) -> None:
        """Refuse one that takes some cells and leaves others: which, nobody says."""
        before, now = self._sides(node.input[0], after)
        if before is None or now is None or before == now:
            return
        starts, ends, axes = (
            self._constant(node.input[index]) if len(node.input) > index else None
            for index in (1, 2, 3)
        )
        if starts is None or ends is None:
            return
        where = range(len(starts)) if axes is None else axes.tolist()
        for start, end, axis in zip(starts.tolist(), ends.tolist(), where, strict=True):
            if before[axis] != now[axis] and not (0 <= start <= 1 and end >= before[axis]):
                raise NotRefittedError(f"{_named(node)}: it takes a part of the cells")

    def _sides(self, name: str, after: Shapes) -> tuple[Shape | None, Shape | None]:
        return self._before.get(name), after.get(name)

    def _constant(self, name: str) -> npt.NDArray[Any] | None:
        tensor = self._constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def _replace(
        self, node: onnx.NodeProto, index: int, old: npt.NDArray[Any], new: npt.NDArray[Any]
    ) -> bool:
        """Give this node a constant of its own: the old one may be another's, too."""
        if np.array_equal(old, new):
            return False
        self._count += 1
        name = f"zmhook_fitted_{self._count}"
        tensor = numpy_helper.from_array(np.ascontiguousarray(new), name)
        self._graph.initializer.append(tensor)
        self._constants[name] = tensor
        node.input[index] = name
        return True

    def _set_metadata(self) -> None:
        """Let what Ultralytics' exporter wrote speak of the new size, too."""
        for entry in self._model.metadata_props:
            if entry.key == "imgsz":
                entry.value = str(list(self._layout.after[::-1]))

    def _drop_unused(self) -> None:
        used = {name for node in self._graph.node for name in node.input}
        used.update(output.name for output in self._graph.output)
        for tensor in [each for each in self._graph.initializer if each.name not in used]:
            self._graph.initializer.remove(tensor)


# -- the numbers -----------------------------------------------------------------------------------


def reshaped(before: Shape, result: Shape, now: Shape, layout: Layout) -> Shape | None:
    """Return what `result`, a reshaping of `before`, is of `now`; None where that is not certain.

    Both are cut into the shortest runs of sides with the same product. In a run that changes, the
    one side changes that can, or the sides of a grid of cells.
    """
    shape: list[int] = []
    for old, new in _runs(before, result):
        product = prod(now[old])
        if product != prod(before[old]):
            changed = _changed(result[new], product, layout)
            if changed is None:
                return None
            shape += changed
        elif now[old] == before[old]:
            shape += result[new]
        else:
            return None
    return tuple(shape)


def _runs(before: Shape, result: Shape) -> Iterator[tuple[slice, slice]]:
    """Yield the shortest runs of sides of both that have the same product."""
    i = j = 0
    while i < len(before) or j < len(result):
        first, other = i, j
        i, j = min(i + 1, len(before)), min(j + 1, len(result))
        while prod(before[first:i]) != prod(result[other:j]):
            if prod(before[first:i]) < prod(result[other:j]):
                i += 1
            else:
                j += 1
        yield slice(first, i), slice(other, j)


def _changed(sides: Shape, product: int, layout: Layout) -> list[int] | None:
    possible = []
    for index, side in enumerate(sides):
        rest = prod(sides) // side
        if product % rest == 0:
            possible.append([*sides[:index], product // rest, *sides[index + 1 :]])
    grids = [made for made in _on_grid(sides, layout) if prod(made) == product]
    choices = grids or possible
    return choices[0] if len(choices) == 1 else None


def _on_grid(sides: Shape, layout: Layout) -> Iterator[list[int]]:
    """Yield the sides with two neighbours, rows and columns of cells, as they are now."""
    for (stride,) in (levels for levels in LEVELS if len(levels) == 1):
        rows, columns = (side // stride for side in layout.before[::-1])
        now = [side // stride for side in layout.after[::-1]]
        for index in range(len(sides) - 1):
            if sides[index : index + 2] == (rows, columns):
                yield [*sides[:index], *now, *sides[index + 2 :]]


def _over(values: Shape, before: Shape, now: Shape) -> list[tuple[int, int, int]]:
    """Return the axes of a constant along which it lies over what changes: axis, before, now."""
    axes = []
    for back in range(1, min(len(values), len(before)) + 1):
        is_over = values[-back] == before[-back] != 1
        if is_over and before[-back] != now[-back]:
            axes.append((len(values) - back, before[-back], now[-back]))
    return axes


def regridded(
    values: npt.NDArray[Any], axis: tuple[int, int, int], layout: Layout
) -> npt.NDArray[Any] | None:
    """Return a constant over the cells of the new grid; None where it is none of a grid.

    Along `axis` (number, length before and after) it has to be, level by level, the same for all
    cells or growing evenly from column to column or row to row, exactly as the old grid has it.
    """
    number, old, new = axis
    columns = np.moveaxis(values, number, -1)
    made = [
        grid
        for grids in _grids(old, new, layout)
        if (grid := _regridded(columns.reshape(-1, old), grids)) is not None
    ]
    if not made or any(not np.array_equal(made[0], other) for other in made[1:]):
        return None
    shape = (*columns.shape[:-1], new)
    return np.moveaxis(made[0].reshape(shape), -1, number).astype(values.dtype)


Grids = list[tuple[Shape, Shape]]
"""Rows and columns of each level, before and after."""


def _grids(old: int, new: int, layout: Layout) -> Iterator[Grids]:
    """Yield what an axis of so many cells may be: all of a pyramid, or a side of one level."""
    for strides in LEVELS:
        if (cells(layout.before, strides), cells(layout.after, strides)) == (old, new):
            yield [
                tuple((size[1] // stride, size[0] // stride) for size in layout)  # type: ignore[misc]
                for stride in strides
            ]
    for stride in (levels[0] for levels in LEVELS if len(levels) == 1):
        for side in (0, 1):
            if (layout.before[side] // stride, layout.after[side] // stride) == (old, new):
                yield [((1, old), (1, new))]


def _regridded(rows: npt.NDArray[Any], grids: Grids) -> npt.NDArray[Any] | None:
    """Carry rows of `(n, cells)` over to the new grid, in double precision."""
    parts, at = [], 0
    for before, after in grids:
        level = rows[:, at : at + prod(before)].reshape(-1, *before).astype(np.float64)
        at += prod(before)
        made = _level(level, after)
        if made is None:
            return None
        parts.append(made)
    return np.concatenate(parts, axis=1)


def _level(level: npt.NDArray[np.float64], after: Shape) -> npt.NDArray[Any] | None:
    """Return `(n, cells)` of one level after; None where it does not grow evenly."""
    first = level[:, :1, :1]
    down, across = (_slope(level, axis) for axis in (1, 2))
    expected = _plane(first, down, across, level.shape[1:])
    if np.abs(level - expected).max() > EXACT * max(1.0, np.abs(level).max()):
        return None
    slopes = np.abs(np.concatenate((down, across)))
    if ((slopes > EXACT) & (slopes < LEAST_SLOPE)).any():
        return None
    return _plane(first, down, across, after).reshape(len(level), -1)


def _slope(level: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    """Return how much each grows from one cell to the next, `(n, 1, 1)`."""
    count = level.shape[axis]
    if count == 1:
        return np.zeros((len(level), 1, 1))
    ends = level.take([0, count - 1], axis=axis)[:, :2, :2]
    grown = np.diff(ends, axis=axis)[:, :1, :1]
    return np.asarray(grown / (count - 1), np.float64)


def _plane(
    first: npt.NDArray[Any], down: npt.NDArray[Any], across: npt.NDArray[Any], shape: Shape
) -> npt.NDArray[np.float64]:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.asarray(first + down * rows + across * columns, np.float64)


# -- the graph -------------------------------------------------------------------------------------


def _constants(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    known: dict[str, onnx.TensorProto] = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            known[node.output[0]] = node.attribute[0].t
        elif node.op_type == "Identity" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
    yield from known.items()


def _check(constants: Iterable[onnx.TensorProto], graph: onnx.GraphProto) -> None:
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in constants):
        raise NotRefittedError("it has its weights in another file")
    if any(_has_graph(node) for node in graph.node):
        raise NotRefittedError("it has graphs within its graph")


def _has_graph(node: onnx.NodeProto) -> bool:
    return any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)


def _resized(graph: onnx.GraphProto, known: Mapping[str, object], size: Size) -> Size:
    """Set the input's size, and return what it was."""
    ports = [port for port in graph.input if port.name not in known]
    if len(ports) != 1 or len(ports[0].type.tensor_type.shape.dim) != RANK:
        raise NotRefittedError("it has other inputs than one picture")
    sides = ports[0].type.tensor_type.shape.dim[SPATIAL:]
    height, width = (side.dim_value for side in sides)
    if not (height and width):
        raise NotRefittedError("its input has no size of its own")
    for side, value in zip(sides, size[::-1], strict=True):
        side.dim_value = value
    return width, height


def _shapes(model: onnx.ModelProto) -> Shapes:
    """Return the shapes that are settled, by the name of the tensor."""
    light = onnx.ModelProto()
    light.CopyFrom(model)
    del light.graph.value_info[:]
    for output in light.graph.output:
        output.type.tensor_type.ClearField("shape")
    for tensor in light.graph.initializer:
        if prod(tensor.dims) > SMALL:
            tensor.ClearField("raw_data")
    graph = shape_inference.infer_shapes(light, data_prop=True).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        sides = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(side.dim_value for side in sides):
            shapes[value.name] = tuple(side.dim_value for side in sides)
    return shapes


def _axis(node: onnx.NodeProto) -> int:
    return next((each.i for each in node.attribute if each.name == "axis"), 0)


def _named(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name}".strip()
