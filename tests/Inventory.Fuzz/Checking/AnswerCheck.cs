using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Inventory.Contracts;
using Inventory.Fuzz.Description;
using Inventory.Fuzz.Wire;
using Json.Schema;

namespace Inventory.Fuzz.Checking;

/// <summary>Compares answers with the document, and with what HTTP requires of any answer.</summary>
/// <param name="document">The document.</param>
/// <param name="slowest">The longest time that an answer may take.</param>
public sealed partial class AnswerCheck(ApiDocument document, TimeSpan slowest)
{
    private const string ProblemMedia = "application/problem+json";

    // What is answered before, or without, an operation of the document: the request is no HTTP, is too large or too
    // slow, reaches nothing, has a path that can't be decoded, or comes from a caller with too many requests.
    private static readonly ProblemType[] Elsewhere =
    [
        Problem.MalformedRequest, Problem.AuthenticationRequired, Problem.NotFound, Problem.MethodNotAllowed,
        Problem.RequestTimeout, Problem.PayloadTooLarge, Problem.UriTooLong, Problem.HeadersTooLarge,
        Problem.TooManyRequests, Problem.UpstreamUnavailable, Problem.TemporaryReducedCapacity,
        Problem.SessionsUnavailable, Problem.UpstreamTimeout, Problem.Validation,
    ];

    // Statuses of HTTP itself for a request that can't be read; each comes as malformed-request.
    private static readonly int[] Unreadable = [400, 411, 417, 426, 501, 505];

    private static readonly EvaluationOptions Evaluation =
        new() { OutputFormat = OutputFormat.List, RequireFormatValidation = true };

    private static readonly Dictionary<string, ProblemType> Catalogue =
        Problem.All.ToDictionary(type => type.Uri, type => type);

    /// <summary>The faults of an answer.</summary>
    public IEnumerable<Fault> Check(Call call, Answer answer)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(answer);
        var reached = Reached(call);
        var name = reached?.Id ?? (call.IsHttp ? "elsewhere" : "not HTTP");
        return Faults(call, answer, reached).Select(fault => fault with { Kind = $"{name}: {fault.Kind}" });
    }

    /// <summary>The operation that a call reaches, whatever it was meant for; a HEAD is answered as its GET.</summary>
    public Operation? Reached(Call call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var method = call.Method == "HEAD" ? "GET" : call.Method;
        var path = AbsoluteForm().Replace(call.Target, "").Split('?', '#')[0];
        // Of the absolute form, the server decodes slashes, too.
        if (!call.Target.StartsWith('/')) path = Uri.UnescapeDataString(path);
        return path.StartsWith('/') ? document.Find(method, path) : null;
    }

    private IEnumerable<Fault> Faults(Call call, Answer answer, Operation? reached)
    {
        if (answer.Failure is { } failure)
        {
            // By design: a connection may simply be closed on bytes that are no HTTP.
            // A line that the server can't read is refused before its method is known, so a HEAD gets a body, too.
            var isUnread = call.Method == "HEAD" && answer.Status is 400 or 414;
            if ((call.IsHttp && !isUnread) || failure.StartsWith("not complete", StringComparison.Ordinal))
            {
                yield return new($"no whole answer: {Digits().Replace(failure, "N")}", "an answer to every request");
            }

            if (answer.Status == 0) yield break;
        }

        if (answer.Took > slowest)
        {
            yield return new($"{answer.Status} is slow", $"an answer within {slowest.TotalSeconds:0} s");
        }

        foreach (var fault in Head(answer)) yield return fault;
        var problem = answer.Status >= 400 ? Read(answer) : null;
        if (answer.Status >= 400)
        {
            foreach (var fault in Refusal(call, answer, problem)) yield return fault;
        }

        if (IsBesideOperations(call, answer, reached, problem)) yield break;
        if (reached is null)
        {
            if (answer.Status >= 400) yield return Undescribed(answer, problem, "what any path may answer");
            yield break;
        }

        foreach (var fault in Described(call, answer, reached, problem)) yield return fault;
    }

    /// <summary>What every answer has to have, and what none may show.</summary>
    private static IEnumerable<Fault> Head(Answer answer)
    {
        if (answer.Header("X-Content-Type-Options") != "nosniff")
        {
            yield return new($"{answer.Status} without nosniff", "X-Content-Type-Options: nosniff in every answer");
        }

        foreach (var line in answer.Headers)
        {
            if (!line.Name.StartsWith(InventoryHeaders.GatewayPrefix, StringComparison.OrdinalIgnoreCase)
                && !line.Name.Equals("Server", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            yield return new($"{line.Name} is shown to callers", "headers between services stay between them");
        }

        var needed = answer.Status switch
        {
            405 => "Allow",
            429 or 503 => "Retry-After",
            _ => null,
        };
        if (needed is not null && answer.Header(needed) is null)
        {
            yield return new($"{answer.Status} without {needed}", $"{needed} with every {answer.Status}");
        }
    }

    /// <summary>A refusal is problem details of the catalogue, whatever it refuses.</summary>
    private static IEnumerable<Fault> Refusal(Call call, Answer answer, JsonObject? problem)
    {
        if (answer.Status >= 500 && answer.Status is not (503 or 504) && !IsUnreadable(call, answer))
        {
            yield return new($"{answer.Status} {Slug(problem)}", "no server error but 503 and 504");
        }

        if (call.Method == "HEAD") yield break;
        if (answer.MediaType != ProblemMedia || problem is null)
        {
            yield return new(
                $"{answer.Status} as {answer.MediaType ?? "nothing"}", $"{ProblemMedia} with a JSON object");
            yield break;
        }

        if (problem["status"] is not JsonValue status || !status.TryGetValue<int>(out var number)
            || number != answer.Status)
        {
            yield return new(
                $"{answer.Status} {Slug(problem)} has status {problem["status"]}", "the status of the answer");
        }

        if (!Catalogue.TryGetValue(TypeOf(problem), out var type))
        {
            yield return new($"{answer.Status} has type {problem["type"]}", "a type of the catalogue");
        }
        else if (type.Status != answer.Status && type != Problem.MalformedRequest)
        {
            yield return new($"{answer.Status} {type.Slug}", $"{type.Slug} comes with {type.Status}");
        }
    }

    /// <summary>Whether the answer doesn't depend on the operation.</summary>
    private static bool IsBesideOperations(Call call, Answer answer, Operation? reached, JsonObject? problem)
    {
        if (IsUnreadable(call, answer)) return true;
        if (reached is null) return Elsewhere.Any(type => type.Uri == TypeOf(problem))
            || (call.Method == "HEAD" && Elsewhere.Any(type => type.Status == answer.Status));
        // A stream has no head.
        return answer.Status == 405 && call.Method == "HEAD" && reached.IsStream;
    }

    private static bool IsUnreadable(Call call, Answer answer) => !call.IsHttp
        && (Unreadable.Contains(answer.Status) || Elsewhere.Any(type => type.Status == answer.Status));

    private static IEnumerable<Fault> Described(Call call, Answer answer, Operation reached, JsonObject? problem)
    {
        if (!reached.Answers.TryGetValue(answer.Status, out var allowed))
        {
            yield return Undescribed(answer, problem, string.Join(", ", reached.Answers.Keys.Order()));
            yield break;
        }

        foreach (var name in allowed.Headers.Where(name => answer.Header(name) is null))
        {
            yield return new($"{answer.Status} without {name}", $"the document requires {name}");
        }

        if (call.Method == "HEAD") yield break;
        if (problem is not null && allowed.Problems is { Count: > 0 } types && !types.Contains(TypeOf(problem)))
        {
            yield return Undescribed(answer, problem, string.Join(", ", allowed.Problems));
        }

        if (allowed.Media.Count == 0)
        {
            if (answer.Body.Length > 0) yield return new($"{answer.Status} with a body", "no body");
            yield break;
        }

        if (answer.MediaType is null || !allowed.Media.TryGetValue(answer.MediaType, out var schema))
        {
            yield return new(
                $"{answer.Status} as {answer.MediaType ?? "nothing"}", string.Join(", ", allowed.Media.Keys));
            yield break;
        }

        var isStream = answer.MediaType == "text/event-stream";
        foreach (var json in isStream ? EventData(answer) : [answer.Body])
        {
            if (Body(answer.Status, json, schema) is { } fault) yield return fault;
        }
    }

    private static Fault? Body(int status, byte[] body, JsonSchema schema)
    {
        EvaluationResults result;
        try
        {
            using var json = JsonDocument.Parse(body);
            result = schema.Evaluate(json.RootElement, Evaluation);
        }
        catch (JsonException)
        {
            return new($"{status} with a body that is no JSON", "JSON");
        }

        if (result.IsValid) return null;
        // Branches of oneOf that don't apply are listed, too; the deepest error says most.
        var error = (result.Details ?? []).Append(result).Where(detail => detail.Errors is { Count: > 0 })
            .MaxBy(detail => detail.InstanceLocation.ToString().Count(letter => letter == '/'));
        var rule = string.Join("; ", error?.Errors?.Values.AsEnumerable() ?? []);
        return new(
            $"{status} {Digits().Replace($"{error?.InstanceLocation}: {rule}", "N")}", "the schema of the body");
    }

    /// <summary>The data of whole events that carry what the document describes.</summary>
    private static IEnumerable<byte[]> EventData(Answer answer)
    {
        var frames = Encoding.UTF8.GetString(answer.Body).Split("\n\n");
        foreach (var frame in frames.SkipLast(1))
        {
            var lines = frame.Split('\n');
            // Both say why there is nothing to show, in place of it.
            if (lines.Any(line => line is "event: unavailable" or "event: unknown-sku")) continue;
            var data = lines.Where(line => line.StartsWith("data: ", StringComparison.Ordinal))
                .Select(line => line[6..]).ToList();
            if (data.Count > 0) yield return Encoding.UTF8.GetBytes(string.Join('\n', data));
        }
    }

    private static Fault Undescribed(Answer answer, JsonObject? problem, string allowed) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{answer.Status} {Slug(problem)} is not described"), allowed);

    private static string TypeOf(JsonObject? problem) => (problem?["type"] as JsonValue)?.ToString() ?? "";

    private static string Slug(JsonObject? problem) => TypeOf(problem).Split('/')[^1];

    private static JsonObject? Read(Answer answer)
    {
        try
        {
            return JsonNode.Parse(answer.Body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [GeneratedRegex("^http://[^/]*")]
    private static partial Regex AbsoluteForm();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
