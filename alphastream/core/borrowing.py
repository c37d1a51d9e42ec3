"""What compiled code may say of memory beside the language: arrays that are only borrowed, and what is read soon.

numba counts the references to every array that one compiled function hands to another, by operations that other cores
have to hear of; and a processor knows what is read next only where rows follow each other.
"""

from typing import TYPE_CHECKING, Any, TypeVar

ArrayT = TypeVar("ArrayT")

if TYPE_CHECKING:

    def borrowed(array: ArrayT) -> ArrayT:
        """Return the same array, of which no references are counted from there on.

        Only for arrays that the Python caller of the outermost compiled function holds: nothing else keeps them alive.
        """

    def read_soon(table: Any, row: int) -> None:
        """Ask for the memory in which a row of a table begins; one beyond its end is not an error, and of no use."""

else:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    @intrinsic
    def borrowed(_, array):
        def code(context, builder, signature, arguments):
            own = context.make_array(signature.return_type)(context, builder, arguments[0])
            own.meminfo = cgutils.get_null_value(own.meminfo.type)
            return own._getvalue()

        return array(array), code

    @intrinsic
    def read_soon(_, table, row):
        def code(context, builder, signature, arguments):
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            stride = cgutils.unpack_tuple(builder, array.strides)[0]
            byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            address = builder.gep(builder.bitcast(array.data, byte), [builder.mul(stride, arguments[1])])
            kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(fetch, [address, number(0), number(3), number(1)])  # to read, into the nearest cache, data
            return context.get_dummy_value()

        return types.void(table, types.intp), code
