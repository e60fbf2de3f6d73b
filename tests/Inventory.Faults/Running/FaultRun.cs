using Inventory.Contracts;
using Inventory.Faults.History;
using Inventory.Faults.Laws;
using Inventory.Stock;
using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>The settings of a run.</summary>
public sealed record Plan
{
    /// <summary>The seed of all random decisions.</summary>
    public required int Seed { get; init; }

    /// <summary>How long faults are injected.</summary>
    public required TimeSpan Length { get; init; }

    /// <summary>
    /// Whether the calls are sufficient; after <see cref="Length"/> the run continues until they are, for three minutes
    /// at most.
    /// </summary>
    public Predicate<IReadOnlyList<Operation>> IsEnough { get; init; } = _ => true;

    /// <summary>Concurrent clients.</summary>
    public int Clients { get; init; } = 24;

    /// <summary>Whether the run injects no faults.</summary>
    public bool IsCalm { get; init; }

    /// <summary>A bug to seed into the product.</summary>
    public SeededBug? Bug { get; init; }

    /// <summary>Longest wait for each condition of the quiet phase.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Receives a line for each fault.</summary>
    public Action<string> Progress { get; init; } = _ => { };
}

/// <summary>The result of a run.</summary>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Evidence">The evidence.</param>
/// <param name="Violations">Broken laws.</param>
/// <param name="WebhookFaults">Webhooks that were sent twice, late or out of order.</param>
/// <param name="LastWords">Output of services that crashed or failed to start, and of requests that got a 500.</param>
/// <param name="Logs">The last lines of every service.</param>
public sealed record Finding(
    int Seed, Evidence Evidence, IReadOnlyList<Violation> Violations, int WebhookFaults,
    IReadOnlyList<string> LastWords, IReadOnlyDictionary<string, string> Logs);

/// <summary>One run: clients and the nemesis, then the quiet phase, then the checker.</summary>
public static class FaultRun
{
    // A client that waits as long as the gateway does for a hanging replica would be idle for too much of the run.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan MostExtraTime = TimeSpan.FromMinutes(3);

    /// <summary>Carries a run out.</summary>
    /// <exception cref="NeverHappenedException">The product does not start.</exception>
    public static async Task<Finding> CarryOutAsync(Plan plan, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(plan);
        await using var installation = await Installation.StartAsync(plan.Bug);
        var (shelf, recorder) = (new Shelf(), new Recorder());
        await installation.StockAsync(shelf.Products);
        using var http = installation.CreateClient(Patience);
        Calls CallsOf(int client) => new(http, recorder, installation.WebhookKey, client);

        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var nemesis = new Nemesis(installation, plan.Seed, recorder)
        {
            OnFault = fault => plan.Progress($"{fault}, {recorder.Count} calls so far"),
        };
        var shoppers = Enumerable.Range(0, plan.Clients)
            .Select(client => new Shopper(unchecked((plan.Seed * 1_000) + client), CallsOf(client), shelf)).ToList();
        var work = shoppers.ConvertAll(
            shopper => Task.Run(() => shopper.ShopAsync(over.Token), CancellationToken.None));
        work.Add(RestockAsync(CallsOf(plan.Clients), shelf, new(plan.Seed), over.Token));
        if (!plan.IsCalm) work.Add(nemesis.RageAsync(over.Token));
        await Task.Delay(plan.Length, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            await Waiting.UntilAsync(
                "enough happens", () => Task.FromResult(plan.IsEnough(recorder.Read())), MostExtraTime);
        }
        catch (NeverHappenedException)
        {
            // Go on with the calls so far.
        }

        await over.CancelAsync();
        await Task.WhenAll(work);
        stop.ThrowIfCancellationRequested();

        plan.Progress("quiet");
        var reader = new StoreReader(installation, shelf);
        var facts = await new QuietPhase(installation, reader, CallsOf(-1), recorder, plan.Patience)
            .ReadAsync();
        var evidence = new Evidence
        {
            Operations = recorder.Read(),
            Facts = facts,
            Wipes = nemesis.Wipes,
            Faults = nemesis.Faults,
        };
        return new(
            plan.Seed, evidence, Checker.Check(evidence), shoppers.Sum(shopper => shopper.WebhookFaults),
            [.. installation.Members.Values.SelectMany(member => member.LastWords)],
            installation.Members.Values.ToDictionary(member => member.Name, member => member.Output));
    }

    private static async Task RestockAsync(Calls calls, Shelf shelf, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var ask = Calls.Ask(Act.Restock) with { Lines = [new Line(shelf.One(random), random.Next(5, 30))] };
            var heard = await calls.SendAsync(ask);
            if (heard.Heard == Heard.Unknown) await calls.SendAsync(ask);
            await Task.Delay(random.Next(100, 400), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
