using System.Diagnostics;
using System.Text.RegularExpressions;
using OpenTelemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Names the span of each PostgreSQL statement by what it does, and to which table, as in <c>INSERT orders</c>. The
/// client names all of them after the system.
/// </summary>
internal sealed partial class StatementNames : BaseProcessor<Activity>
{
    /// <inheritdoc/>
    public override void OnEnd(Activity data)
    {
        if (data.Source.Name == "Npgsql" && data.GetTagItem("db.query.text") is string statement)
        {
            data.DisplayName = Name(statement) ?? data.DisplayName;
        }
    }

    /// <summary>The first verb and the first table; for several statements in a command, those of the first.</summary>
    private static string? Name(string statement)
    {
        var verb = Verb().Match(statement);
        if (!verb.Success) return null;
        var table = Table().Match(statement, verb.Index);
        return table.Success ? $"{verb.Value} {table.Groups[1].Value}" : verb.Value;
    }

    [GeneratedRegex(@"\b(SELECT|INSERT|UPDATE|DELETE|MERGE|COPY|LISTEN|NOTIFY|TRUNCATE)\b")]
    private static partial Regex Verb();

    [GeneratedRegex(@"\b(?:FROM|INTO|UPDATE|COPY)\s+([a-z_][a-z_0-9.]*)")]
    private static partial Regex Table();
}
