namespace Inventory.System.Tests.Telemetry;

/// <summary>Reads protobuf messages by field number: as much of the format as OTLP uses.</summary>
public static class ProtobufReader
{
    /// <summary>The length-delimited fields of a message that have this number: text, bytes or messages.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Fields(ReadOnlyMemory<byte> message, int number)
    {
        while (!message.IsEmpty)
        {
            var tag = Varint(ref message);
            ReadOnlyMemory<byte>? value = null;
            switch (tag & 7)
            {
                case 0:
                    Varint(ref message);
                    break;
                case 1:
                    message = message[sizeof(ulong)..];
                    break;
                case 2:
                    var length = (int)Varint(ref message);
                    value = message[..length];
                    message = message[length..];
                    break;
                case 5:
                    message = message[sizeof(uint)..];
                    break;
                default:
                    throw new InvalidDataException($"Wire type {tag & 7} is not in use.");
            }

            if (value is { } found && (int)(tag >> 3) == number)
            {
                yield return found;
            }
        }
    }

    private static ulong Varint(ref ReadOnlyMemory<byte> message)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = message.Span[0];
            message = message[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
