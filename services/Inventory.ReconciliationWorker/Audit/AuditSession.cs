using System.Diagnostics;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReconciliationWorker.Audit;

/// <summary>
/// The state and services that all passes of an audit share: pace, patience, and reporting of findings.
/// </summary>
public sealed partial class AuditSession(
    AuditBook book,
    LedgerReading ledger,
    AuditMetrics metrics,
    IOptions<AuditOptions> options,
    TimeProvider time,
    ILogger<AuditSession> log)
{
    // Long enough for a change to reach the other store, short enough for an operator who waits.
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    // The time that a hanging store took says nothing about the cost of a page, so the pause is limited.
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    // Maximum number of logged findings of one run; the others are in the report.
    private const int MaxLogged = 100;

    private long workedSince;
    private TimeSpan waited;

    /// <summary>Called between two pages, so that a requested run waits for one page at most.</summary>
    public Func<AuditRun, CancellationToken, Task>? BetweenPages { get; set; }

    /// <summary>The settings.</summary>
    public AuditOptions Options => options.Value;

    /// <summary>Begins a run: time before it doesn't count as work of its first page.</summary>
    public void Begin() => (workedSince, waited) = (Now(), TimeSpan.Zero);

    /// <summary>
    /// Pauses in proportion to the number of compared items, so that sales have Redis for themselves, and to the time
    /// that the comparison took, so that sales have the machine.
    /// </summary>
    /// <remarks>
    /// By design: a requested run doesn't pause for the time taken, because an operator waits for it.
    /// </remarks>
    public async Task RestAsync(AuditRun run, int items, CancellationToken cancellation)
    {
        var worked = !run.Requested ? Since(workedSince) - waited : TimeSpan.Zero;
        if (BetweenPages is { } meanwhile) await meanwhile(run, cancellation);
        var rest = TimeSpan.FromSeconds((double)items / Options.ItemsPerSecond);
        var share = worked * ((1 / Options.Share) - 1);
        if (share > LongestRest) share = LongestRest;
        if (share > rest) rest = share;
        if (rest > TimeSpan.Zero) await Task.Delay(rest, time, cancellation);
        Begin();
    }

    /// <summary>Waits before something is read again. The wait doesn't count as work.</summary>
    public Task WaitAsync(CancellationToken cancellation) => WaitAsync(Step, cancellation);

    private async Task WaitAsync(TimeSpan step, CancellationToken cancellation)
    {
        var since = Now();
        await Task.Delay(step, time, cancellation);
        waited += Since(since);
    }

    /// <summary>Whether the time since then exceeds <see cref="AuditOptions.Patience"/>.</summary>
    public bool IsPatienceOver(long since) => Since(since) >= Options.Patience;

    /// <summary>The time since a result of <see cref="Now"/>.</summary>
    public TimeSpan Since(long then) => time.GetElapsedTime(then);

    /// <summary>The current timestamp, for <see cref="IsPatienceOver"/>.</summary>
    public long Now() => time.GetTimestamp();

    /// <summary>Waits until a partition's events are stored up to a given one, with a time limit.</summary>
    /// <param name="run">
    /// The run. After a timeout it doesn't wait again for as long as it has waited: the materializer may be down for
    /// long, and there may be thousands of differences.
    /// </param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="streamId">The event.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <param name="poll">The pause between two looks; null for the usual one.</param>
    /// <returns>Whether they are stored. If not, nothing is proven about differences that depend on events.</returns>
    public async Task<bool> WaitUntilStoredAsync(
        AuditRun run, int partition, string streamId, CancellationToken cancellation, TimeSpan? poll = null)
    {
        var since = Now();
        while (true)
        {
            var stored = await ledger.ReadPositionAsync(partition, cancellation);
            if (stored is not null && StreamIds.Compare(stored, streamId) >= 0) return true;
            if (run.BehindSince is { } before && !IsPatienceOver(before)) return false;
            if (IsPatienceOver(since))
            {
                run.BehindSince = Now();
                return false;
            }

            await WaitAsync(poll ?? Step, cancellation);
        }
    }

    /// <summary>Counts differences that may still be delays.</summary>
    public void Undecided(AuditRun run, long items)
    {
        run.Undecided += items;
        metrics.Undecided(items);
    }

    /// <summary>Counts compared SKUs and holds.</summary>
    public void Compared(AuditRun run, int skus, int holds)
    {
        run.Skus += skus;
        run.Holds += holds;
        metrics.Compared(skus, holds);
    }

    /// <summary>Reports a proven finding, and repairs it if the run may repair.</summary>
    /// <param name="run">The run.</param>
    /// <param name="finding">The finding.</param>
    /// <param name="repair">
    /// Makes the repair, or returns null when it turned out to be unsafe; null if no repair is safe.
    /// </param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <param name="isBegun">Whether the repair was begun before, so that it is finished in any run.</param>
    /// <returns>Whether the finding is resolved.</returns>
    public async Task<bool> ReportAsync(
        AuditRun run, Finding finding, Func<Task<Repaired?>>? repair, CancellationToken cancellation,
        bool isBegun = false)
    {
        if (run.DryRun || run.Found >= AuditRun.MaxRemembered)
        {
            run.Add(finding);
            return false;
        }

        var (id, isNew) = await book.RememberAsync(run, finding, cancellation);
        if (isNew)
        {
            metrics.Found(finding.Kind);
            if (run.Found < MaxLogged)
            {
                Drift(finding.Kind, About(finding.Sku, finding.Subject), finding.Expected, finding.Actual,
                    finding.Cause, finding.Evidence);
            }
        }

        var repaired = (run.Repairs || isBegun) && repair is not null ? await repair() : null;
        run.Add(finding with { Repair = repaired?.Words });
        if (repaired is null) return false;
        run.Repaired++;
        metrics.Repaired(finding.Kind);
        await book.RepairedAsync(id, repaired, cancellation);
        if (run.Repaired <= MaxLogged) Mended(finding.Kind, About(finding.Sku, finding.Subject), repaired.Words);
        return repaired.Resolved;
    }

    /// <summary>Adds the missing movement of a total that was changed without one. That is no finding.</summary>
    /// <param name="run">The run.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="explain">Adds the movement; returns null when the total has changed again.</param>
    public async Task ExplainAsync(AuditRun run, string sku, Func<Task<Repaired?>> explain)
    {
        var explained = run.Repairs ? await explain() : null;
        if (run.Repairs && explained is null) return;
        run.Explained++;
        if (explained is not null && run.Explained <= MaxLogged) Explained(sku, explained.Words);
    }

    /// <summary>
    /// Maximum number of items that one run covers of data that grows without limit: a third of a minute and more, in
    /// which the other passes wait.
    /// </summary>
    public int ItemsOfOnePass => Options.ItemsPerSecond * 20;

    /// <summary>Ends a pass, and closes findings that it no longer found.</summary>
    public async Task EndAsync<T>(
        AuditRun run, AuditPass<T> pass, AuditRound<T> round, CancellationToken cancellation)
    {
        pass.End(round);
        if (run.DryRun || run.Found >= AuditRun.MaxRemembered) return;
        var gone = await book.CloseAsync(pass.Kind, round.FirstRun, cancellation);
        foreach (var (kind, sku, subject) in gone.Take(MaxLogged)) Gone(kind, About(sku, subject));
    }

    /// <summary>Closes findings that a completed run no longer found.</summary>
    public async Task CloseAsync(AuditRun run, CancellationToken cancellation)
    {
        // Beyond this number of findings not all are stored, so a missing one may still exist.
        if (run.DryRun || run.Found >= AuditRun.MaxRemembered) return;
        var gone = await book.CloseAsync(run, cancellation);
        foreach (var (kind, sku, subject) in gone.Take(MaxLogged)) Gone(kind, About(sku, subject));
        Debug.Assert(run.Repaired <= run.Found, "a repair without a finding");
    }

    private static string About(string sku, string subject) => sku.Length == 0 || subject.Length == 0
        ? sku + subject
        : $"{sku}, {subject}";

    [LoggerMessage(1, LogLevel.Warning,
        "Drift {Kind} of {About}: expected {Expected}, found {Actual}. {Cause} Evidence: {Evidence}.")]
    private partial void Drift(
        FindingKind kind, string about, string expected, string actual, string cause, string evidence);

    [LoggerMessage(2, LogLevel.Information, "Drift {Kind} of {About} repaired: {Repair}")]
    private partial void Mended(FindingKind kind, string about, string repair);

    [LoggerMessage(3, LogLevel.Information, "Drift {Kind} of {About} is gone without a repair.")]
    private partial void Gone(string kind, string about);

    [LoggerMessage(4, LogLevel.Information, "The total of {Sku} was changed without a movement: {Words}")]
    private partial void Explained(string sku, string words);
}
