using System.Text;
using Inventory.Fuzz.Description;

namespace Inventory.Fuzz.Wire;

/// <summary>A line of a request's or an answer's head. Without a name, the value is the whole line.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The value; each character is one byte.</param>
public readonly record struct HeaderLine(string Name, string Value)
{
    /// <summary>The line as it is sent.</summary>
    public override string ToString() => Name.Length == 0 ? Value : $"{Name}: {Value}";
}

/// <summary>One request, byte for byte. Its texts are Latin-1: each character is one byte.</summary>
public sealed record Call
{
    /// <summary>The method.</summary>
    public required string Method { get; init; }

    /// <summary>The path with its query, or another target that HTTP has.</summary>
    public required string Target { get; init; }

    /// <summary>The version in the request line.</summary>
    public string Version { get; init; } = "HTTP/1.1";

    /// <summary>All header lines, also those of the framing.</summary>
    public required IReadOnlyList<HeaderLine> Headers { get; init; }

    /// <summary>The body; empty without one.</summary>
    public byte[] Body { get; init; } = [];

    /// <summary>The operation that this call is meant for; null for paths beside the document.</summary>
    public Operation? Meant { get; init; }

    /// <summary>
    /// Whether a server has to read it as HTTP. Otherwise it may also be refused before an operation is known, or lose
    /// its connection.
    /// </summary>
    public bool IsHttp { get; init; } = true;

    /// <summary>The request as it is sent.</summary>
    public byte[] ToBytes()
    {
        var head = new StringBuilder($"{Method} {Target} {Version}\r\n");
        foreach (var line in Headers) head.Append(line).Append("\r\n");
        head.Append("\r\n");
        return [.. Encoding.Latin1.GetBytes(head.ToString()), .. Body];
    }

    /// <summary>A shell command that sends the same request.</summary>
    /// <param name="front">The gateway.</param>
    public string ToCommand(Uri front)
    {
        ArgumentNullException.ThrowIfNull(front);
        var isPlain = IsHttp && Version == "HTTP/1.1" && Target.StartsWith('/') && !Body.Contains((byte)0)
            && Headers.Count(line => line.Name == "Host") == 1 && Headers.All(line => line.Name.Length > 0);
        if (!isPlain) return $"printf {Quote(ToBytes(), octal: true)} | nc -q 5 {front.Host} {front.Port}";

        var command = new StringBuilder("curl -sS -i --path-as-is -X ").Append(Quote(Method));
        if (Method == "HEAD") command.Append(" --head");
        command.Append(' ').Append(Quote($"http://{front.Authority}{Target}"));
        // curl adds some headers itself; a name with nothing behind it removes one.
        foreach (var name in new[] { "User-Agent", "Accept", "Content-Type" })
        {
            if (!Headers.Any(line => line.Name == name)) command.Append($" -H '{name}:'");
        }

        foreach (var line in Headers.Where(line => line.Name is not ("Host" or "Content-Length")))
        {
            var text = line.Value.Length == 0 ? $"{line.Name};" : line.ToString();
            command.Append(" -H ").Append(Quote(text));
        }

        if (Body.Length > 0) command.Append(" --data-binary ").Append(Quote(Body));
        return command.ToString();
    }

    private static string Quote(string text) => Quote(Encoding.Latin1.GetBytes(text));

    private static string Quote(byte[] bytes, bool octal = false)
    {
        if (!octal && bytes.All(one => one is >= 0x20 and < 0x7f and not (byte)'\''))
        {
            return $"'{Encoding.ASCII.GetString(bytes)}'";
        }

        // printf reads its own escapes between plain quotes, and the shell those between $'…'.
        var text = new StringBuilder(octal ? "'" : "$'");
        foreach (var one in bytes)
        {
            if (one is >= 0x20 and < 0x7f and not ((byte)'\'' or (byte)'\\' or (byte)'%')) text.Append((char)one);
            else text.Append('\\').Append(Convert.ToString(one, 8).PadLeft(3, '0'));
        }

        return text.Append('\'').ToString();
    }
}
