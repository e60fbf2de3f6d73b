using System.Text.Json.Nodes;
using Json.Schema;

namespace Inventory.Fuzz.Description;

/// <summary>What the document allows with one status of an operation.</summary>
/// <param name="Media">The schema of each media type; none where the answer has no body.</param>
/// <param name="Headers">The headers that the answer has to have.</param>
/// <param name="Problems">The problem types that are named for this status.</param>
public sealed record DescribedAnswer(
    IReadOnlyDictionary<string, JsonSchema> Media, IReadOnlyList<string> Headers, IReadOnlySet<string> Problems);

/// <summary>A parameter of an operation.</summary>
/// <param name="Place"><c>path</c>, <c>query</c> or <c>header</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Schema">Its schema.</param>
public sealed record Parameter(string Place, string Name, JsonObject Schema);

/// <summary>One operation of the document.</summary>
public sealed record Operation
{
    /// <summary>Its <c>operationId</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Its method, in capital letters.</summary>
    public required string Method { get; init; }

    /// <summary>Its path, with names in braces.</summary>
    public required string Path { get; init; }

    /// <summary>Its parameters.</summary>
    public required IReadOnlyList<Parameter> Parameters { get; init; }

    /// <summary>The schema of its body, without references; null when it takes none.</summary>
    public required JsonObject? Body { get; init; }

    /// <summary>What it may answer, by status.</summary>
    public required IReadOnlyDictionary<int, DescribedAnswer> Answers { get; init; }

    /// <summary>Whether it answers with server-sent events.</summary>
    public bool IsStream => Answers.Values.Any(answer => answer.Media.ContainsKey("text/event-stream"));

    /// <inheritdoc/>
    public override string ToString() => Id;
}
