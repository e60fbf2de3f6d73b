using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Inventory.AppHost.Operations;

/// <summary>
/// An operator's everyday commands, as buttons of the dashboard and as <c>aspire resource NAME COMMAND</c>.
/// </summary>
internal static class OperatorCommands
{
    private static readonly InteractionInput Sku = new()
    {
        Name = "sku",
        Label = "SKU",
        InputType = InputType.Text,
        Required = true,
        Placeholder = "sku-123",
    };

    /// <summary>Adds audits: one that only compares, and one that also repairs.</summary>
    public static IResourceBuilder<T> WithAudits<T>(this IResourceBuilder<T> builder, OperatorApi api)
        where T : IResource =>
        builder
            .WithOperation("audit", "Audit", "Compares Redis with PostgreSQL, and changes nothing.",
                "ClipboardSearch", (_, cancellationToken) => AuditAsync(api, dryRun: true, cancellationToken))
            .WithOperation("repair", "Audit and repair",
                "Compares Redis with PostgreSQL, and repairs what is provably safe to repair, each with a movement.",
                "Wrench", (_, cancellationToken) => AuditAsync(api, dryRun: false, cancellationToken),
                confirmation: "Repair every difference that is provably safe to repair?");

    /// <summary>Adds the switches of a product's sale.</summary>
    public static IResourceBuilder<T> WithSaleSwitches<T>(this IResourceBuilder<T> builder, OperatorApi api)
        where T : IResource =>
        builder
            .WithOperation(
                "pause-sku", "Pause a SKU", "No unit of it is held from now on; holds that exist stay valid.", "Pause",
                (arguments, cancellationToken) => SwitchAsync(api, arguments, "pause", cancellationToken), [Sku])
            .WithOperation(
                "resume-sku", "Resume a SKU", "Units of it can be held again.", "Play",
                (arguments, cancellationToken) => SwitchAsync(api, arguments, "resume", cancellationToken), [Sku]);

    /// <summary>Adds the replay of events that could not be stored.</summary>
    public static IResourceBuilder<T> WithReplay<T>(this IResourceBuilder<T> builder, OperatorApi api)
        where T : IResource =>
        builder.WithOperation("replay-dead-letters", "Replay dead letters",
            "Tries once more to store each event that could not be stored.", "MailArrowUp",
            (_, cancellationToken) => ReplayAsync(api, cancellationToken));

    private static async Task<ExecuteCommandResult> AuditAsync(
        OperatorApi api, bool dryRun, CancellationToken cancellationToken)
    {
        var run = await api.PostAsync(
            $"/api/operations/reconciliation/run?dryRun={(dryRun ? "true" : "false")}", cancellationToken);
        while ((string?)run["state"] is "waiting" or "running")
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
            run = await api.GetAsync($"/api/operations/reconciliation/runs/{run["id"]}", cancellationToken);
        }

        if ((string?)run["state"] is "failed") return CommandResults.Failure($"The audit failed: {run["error"]}");
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture,
            $"Compared {run["skus"]} SKUs, {run["holds"]} holds and {run["reservations"]} pending reservations: "
            + $"{run["found"]} differences, {run["repaired"]} repaired, {run["undecided"]} undecided yet.");
        if (run["findings"]?.AsArray() is { Count: > 0 } findings)
        {
            text.AppendLine().AppendLine().AppendLine("| Kind | SKU | Expected | Actual | Cause | Repair |")
                .AppendLine("|---|---|---|---|---|---|");
            foreach (var finding in findings)
            {
                text.AppendLine(Row(finding!, "kind", "sku", "expected", "actual", "cause", "repair"));
            }
        }

        return Said($"{run["found"]} differences, {run["repaired"]} repaired", text.ToString());
    }

    private static async Task<ExecuteCommandResult> SwitchAsync(
        OperatorApi api, InteractionInputCollection arguments, string action, CancellationToken cancellationToken)
    {
        var sku = arguments.GetString(Sku.Name)!.Trim();
        var product = await api.PostAsync($"/api/products/{Uri.EscapeDataString(sku)}/{action}", cancellationToken);
        var state = (bool?)product["paused"] == true ? "paused" : "on sale";
        return Operation.Said($"{sku} is {state}: {product["available"]} of {product["total"]} units available.");
    }

    private static async Task<ExecuteCommandResult> ReplayAsync(OperatorApi api, CancellationToken cancellationToken)
    {
        var (replayed, failing) = (0, new List<JsonNode>());
        for (var after = ""; after is not null;)
        {
            var page = await api.PostAsync($"/api/operations/dead-letters/replay?limit=200{after}", cancellationToken);
            replayed += (int)page["replayed"]!;
            failing.AddRange(page["results"]!.AsArray().Where(result => result!["error"] is not null)!);
            after = page["nextAfter"] is { } next ? $"&after={next}" : null;
        }

        if (failing.Count == 0)
        {
            return Operation.Said(replayed == 0 ? "There were no dead letters." : $"All {replayed} are stored now.");
        }

        var text = new StringBuilder().AppendLine("| Letter | Still fails with |").AppendLine("|---|---|");
        foreach (var letter in failing) text.AppendLine(Row(letter, "id", "error"));
        return Said($"{replayed} stored, {failing.Count} still failing", text.ToString());
    }

    private static ExecuteCommandResult Said(string message, string markdown) =>
        CommandResults.Success(message, markdown, CommandResultFormat.Markdown, displayImmediately: true);

    private static string Row(JsonNode from, params string[] columns)
    {
        var cells = columns.Select(column => $"{from[column]}".Replace("|", "\\|", StringComparison.Ordinal));
        return $"| {string.Join(" | ", cells)} |";
    }
}
