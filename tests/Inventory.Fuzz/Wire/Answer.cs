using System.Text;

namespace Inventory.Fuzz.Wire;

/// <summary>What came back for a call.</summary>
public sealed record Answer
{
    /// <summary>The HTTP status; 0 without an answer.</summary>
    public int Status { get; init; }

    /// <summary>The header lines.</summary>
    public IReadOnlyList<HeaderLine> Headers { get; init; } = [];

    /// <summary>The body, or the beginning of a stream.</summary>
    public byte[] Body { get; init; } = [];

    /// <summary>Why there is no complete answer; null when there is one.</summary>
    public string? Failure { get; init; }

    /// <summary>From the first byte sent to the last one received.</summary>
    public TimeSpan Took { get; init; }

    /// <summary>The media type without parameters, in lower case.</summary>
    public string? MediaType => Header("Content-Type")?.Split(';')[0].Trim().ToLowerInvariant();

    /// <summary>The value of a header; null when it is absent.</summary>
    public string? Header(string name) => Headers
        .Where(line => line.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        .Select(line => line.Value).FirstOrDefault();

    /// <summary>The answer as text, not all of a long body.</summary>
    public override string ToString()
    {
        const int Most = 2_000;
        if (Failure is not null && Status == 0) return $"no answer: {Failure}";
        var text = new StringBuilder($"{Status}").AppendLine();
        foreach (var line in Headers) text.Append(line).AppendLine();
        text.AppendLine().Append(Encoding.UTF8.GetString(Body, 0, Math.Min(Body.Length, Most)));
        if (Body.Length > Most) text.Append('…');
        if (Failure is not null) text.AppendLine().Append(Failure);
        return text.ToString();
    }
}
