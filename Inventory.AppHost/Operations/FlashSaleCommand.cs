using System.Diagnostics;
using System.Globalization;
using System.Text;
using Inventory.AppHost.Orchestration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Inventory.AppHost.Operations;

/// <summary>
/// The command for a flash sale: all buyers come at once for a few units, and a check proves that none was sold twice.
/// </summary>
internal static partial class FlashSaleCommand
{
    private static readonly InteractionInput Buyers =
        Count("buyers", "Buyers", "5000", "How many come at once, 1 to 100000.");

    private static readonly InteractionInput Units =
        Count("units", "Units", "100", "How many units there are, 1 to 100000.");

    /// <summary>Adds the sale, which the load program carries out.</summary>
    /// <param name="gateway">Where buyers come in.</param>
    /// <param name="load">The load program, which is built with the AppHost.</param>
    /// <param name="stores">Redis and the ledger, which are both compared with the sale.</param>
    public static IResourceBuilder<ProjectResource> WithFlashSale(
        this IResourceBuilder<ProjectResource> gateway, IResourceBuilder<ProjectResource> load,
        params IResourceBuilder<IResourceWithConnectionString>[] stores) =>
        gateway.WithCommand("flash-sale", "Flash sale", context => SellAsync(gateway, load, stores, context), new()
        {
            Description = "Buyers all come at once for a few units of a new SKU; proves that none was sold twice.",
            IconName = "ShoppingBagPercent",
            IsHighlighted = true,
            Arguments = [Buyers, Units],
            ValidateArguments = context =>
            {
                foreach (var input in context.Inputs)
                {
                    var isNumber = int.TryParse(input.Value, CultureInfo.InvariantCulture, out var count);
                    if (!isNumber || count is < 1 or > 100_000)
                    {
                        context.AddValidationError(input, "must be a whole number from 1 to 100000");
                    }
                }

                return Task.CompletedTask;
            },
            Progress = new() { Title = "Flash sale", Message = "Buyers are coming; see the gateway's log." },
            UpdateState = context => context.ResourceSnapshot.HealthStatus is HealthStatus.Healthy
                ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
        });

    private static async Task<ExecuteCommandResult> SellAsync(
        IResourceBuilder<ProjectResource> gateway, IResourceBuilder<ProjectResource> load,
        IResourceBuilder<IResourceWithConnectionString>[] stores, ExecuteCommandContext context)
    {
        var start = new ProcessStartInfo(
            load.ApplicationBuilder.ProgramOf(load.Resource),
            ["flash-sale", context.Arguments.GetString(Buyers.Name)!, context.Arguments.GetString(Units.Name)!])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[$"services__{gateway.Resource.Name}__http__0"] = gateway.GetEndpoint("http").Url;
        foreach (var store in stores)
        {
            start.Environment[$"ConnectionStrings__{store.Resource.Name}"] =
                await store.Resource.GetConnectionStringAsync(context.CancellationToken);
        }

        using var sale = Process.Start(start)!;
        var said = new StringBuilder();
        void Say(string? line)
        {
            if (line is null) return;
            Progress(context.Logger, line);
            lock (said) said.AppendLine(line);
        }

        sale.OutputDataReceived += (_, line) => Say(line.Data);
        sale.ErrorDataReceived += (_, line) => Say(line.Data);
        sale.BeginOutputReadLine();
        sale.BeginErrorReadLine();
        try
        {
            await sale.WaitForExitAsync(context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            sale.Kill(entireProcessTree: true);
            return CommandResults.Canceled();
        }

        var text = said.ToString();
        return sale.ExitCode == 0
            ? CommandResults.Success(
                "No unit was sold twice.", text, CommandResultFormat.Text, displayImmediately: true)
            : CommandResults.Failure("The sale failed, or its check.", text, CommandResultFormat.Text);
    }

    private static InteractionInput Count(string name, string label, string value, string description) => new()
    {
        Name = name,
        Label = label,
        InputType = InputType.Number,
        Required = true,
        Value = value,
        Description = description,
    };

    [LoggerMessage(1, LogLevel.Information, "{Line}")]
    private static partial void Progress(ILogger log, string line);
}
