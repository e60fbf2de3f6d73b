using System.Diagnostics;
using Inventory.Load.Http;
using Inventory.Load.Stack;

namespace Inventory.Load;

/// <summary>Many buyers reserve a few units at the same time; checks afterwards that none was oversold.</summary>
/// <param name="stack">The product.</param>
/// <param name="say">Receives the progress, a few times a second.</param>
internal sealed class FlashSale(Shop stack, Action<string> say)
{
    /// <summary>Most concurrent connections. Further buyers start when others have their answer.</summary>
    private const int MostConnections = 5_000;

    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The result of a sale.</summary>
    /// <param name="Units">Units for sale.</param>
    /// <param name="Held">Buyers who got a hold.</param>
    /// <param name="Refused">Buyers who were refused because none was left.</param>
    /// <param name="Errors">Buyers who got another answer, or none.</param>
    /// <param name="Reserved">Units held according to Redis.</param>
    /// <param name="Stored">Units held according to PostgreSQL.</param>
    /// <param name="Load">Throughput and latencies.</param>
    public sealed record Outcome(
        int Units, long Held, long Refused, long Errors, int Reserved, long Stored, LoadResult Load)
    {
        /// <summary>Units held beyond those for sale, by the highest of the three counts.</summary>
        public long Oversold => Math.Max(0, Math.Max(Held, Math.Max(Reserved, Stored)) - Units);

        /// <summary>Whether the counts of buyers, Redis and PostgreSQL are equal.</summary>
        public bool Agrees => Reserved == Held && Stored == Held;
    }

    /// <summary>Creates a product and sells it.</summary>
    public async Task<Outcome> RunAsync(int buyers, int units, CancellationToken stop)
    {
        var sku = $"flash-{Guid.NewGuid().ToString("N")[..8]}";
        await stack.CreateAsync(sku, units);
        say($"{units} units of {sku}; {buyers} buyers come through {stack.Gateway}");

        var (held, refused, errors) = (0L, 0L, 0L);
        var loop = new ClosedLoop(stack.Gateway, Math.Min(buyers, MostConnections))
        {
            Succeeds = status => status is 201 or 409,
            Answered = answer => Interlocked.Increment(
                ref answer.Status == 201 ? ref held : ref answer.Status == 409 ? ref refused : ref errors),
        };
        var clock = Stopwatch.StartNew();
        void Show() => say($"{clock.Elapsed.TotalSeconds,6:0.00} s   held {held,6}   refused {refused,6}   "
            + $"errors {errors,4}   waiting {buyers - held - refused - errors,6}");
        var sale = loop.RunAsync(
            number => number < buyers
                ? HttpRequestText.Of("POST", "/api/reservations",
                    $$"""{"productId":"{{sku}}","userId":"buyer-{{number}}","quantity":1}""")
                : null, stop);
        while (await Task.WhenAny(sale, Task.Delay(Beat, stop)) != sale) Show();
        var load = await sale;
        Show();

        var (_, reserved) = await stack.SnapshotAsync(sku);
        var stored = (await stack.StoredAsync(sku)).Pending;
        for (var since = Stopwatch.StartNew(); stored != reserved && since.Elapsed < Patience;)
        {
            await Task.Delay(Beat, stop);
            stored = (await stack.StoredAsync(sku)).Pending;
        }
        return new(units, held, refused, errors, reserved, stored, load);
    }

    /// <summary>Runs one sale and prints the counts.</summary>
    /// <returns>Whether exactly the units for sale were held and both stores agree.</returns>
    public async Task<bool> ProveAsync(int buyers, int units, CancellationToken stop)
    {
        var sale = await RunAsync(buyers, units, stop);
        var expected = Math.Min(buyers, units);
        var proven = sale is { Oversold: 0, Errors: 0, Agrees: true } && sale.Held == expected;
        say($"""

              held       {sale.Held,8}   of {units} units, {expected} expected
              refused    {sale.Refused,8}
              errors     {sale.Errors,8}
              oversold   {sale.Oversold,8}
              Redis      {sale.Reserved,8}   units reserved
              PostgreSQL {sale.Stored,8}   reservations stored

              {buyers / sale.Load.Seconds:N0} answers/s, p50 {sale.Load.P50:0} ms, p99 {sale.Load.P99:0} ms

            {(proven ? "Proven: no unit was sold twice, and both stores agree." : "FAILED: see above.")}
            """);
        return proven;
    }
}
