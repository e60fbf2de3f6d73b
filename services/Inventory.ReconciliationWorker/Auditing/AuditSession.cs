using System.Diagnostics;
using Inventory.Stock;
using Microsoft.Extensions.Options;

namespace Inventory.ReconciliationWorker.Auditing;

/// <summary>What all passes of an audit share: pace, patience, and where findings go.</summary>
public sealed partial class AuditSession(
    AuditBook book,
    LedgerReading ledger,
    AuditMetrics metrics,
    IOptions<AuditOptions> options,
    TimeProvider time,
    ILogger<AuditSession> log)
{
    // Long enough for a change to travel, short enough for a person who waits.
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    // A store that hung for a minute says nothing about what a page costs.
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    // After so many new findings of one run, a log has said enough; the rest are in the report.
    private const int MaxLogged = 100;

    private long workedSince;
    private TimeSpan waited;

    /// <summary>Called between two pages: whoever asks for a run waits for no longer than a page.</summary>
    public Func<AuditRun, CancellationToken, Task>? BetweenPages { get; set; }

    /// <summary>How audits are set up.</summary>
    public AuditOptions Options => options.Value;

    /// <summary>A run begins: what was before it is no work of its first page.</summary>
    public void Begin() => (workedSince, waited) = (Now(), TimeSpan.Zero);

    /// <summary>
    /// Rests in proportion to what was compared, so that sale has Redis for itself, and to how long that took, so that
    /// it has the machine.
    /// </summary>
    /// <remarks>Absent: the latter for a run that was asked for. Somebody waits for it.</remarks>
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

    /// <summary>Lets a moment pass before something is looked at again. That is no work.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        var since = Now();
        await Task.Delay(Step, time, cancellation);
        waited += Since(since);
    }

    /// <summary>Whether waiting since then is enough.</summary>
    public bool IsPatienceOver(long since) => Since(since) >= Options.Patience;

    /// <summary>Time since <see cref="Now"/> was read.</summary>
    public TimeSpan Since(long then) => time.GetElapsedTime(then);

    /// <summary>Now, for <see cref="IsPatienceOver"/>.</summary>
    public long Now() => time.GetTimestamp();

    /// <summary>Waits until a partition's events are stored up to one of them, as long as that takes sense.</summary>
    /// <param name="run">The run. It waits in vain only once: a materializer that is away may be so for long.</param>
    /// <param name="partition">The partition's index.</param>
    /// <param name="streamId">The event.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>Whether they are. If not, nothing can be said about what is under way.</returns>
    public async Task<bool> IsStoredAsync(
        AuditRun run, int partition, string streamId, CancellationToken cancellation)
    {
        var since = Now();
        while (true)
        {
            var stored = await ledger.ReadPositionAsync(partition, cancellation);
            if (stored is not null && StreamIds.Compare(stored, streamId) >= 0) return true;
            if (run.IsBehind || IsPatienceOver(since))
            {
                run.IsBehind = true;
                return false;
            }

            await WaitAsync(cancellation);
        }
    }

    /// <summary>Something couldn't be told from a difference of time.</summary>
    public void Undecided(AuditRun run, long items)
    {
        run.Undecided += items;
        metrics.Undecided(items);
    }

    /// <summary>Counts what was compared.</summary>
    public void Compared(AuditRun run, int skus, int holds)
    {
        run.Skus += skus;
        run.Holds += holds;
        metrics.Compared(skus, holds);
    }

    /// <summary>Reports a proven finding, and repairs it where the run may.</summary>
    /// <param name="run">The run.</param>
    /// <param name="finding">What was found.</param>
    /// <param name="repair">Repairs it, or returns null when it turned out to be unsafe; null: nothing is safe.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>Whether it is resolved.</returns>
    public async Task<bool> ReportAsync(
        AuditRun run, Finding finding, Func<Task<Repaired?>>? repair, CancellationToken cancellation)
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

        var repaired = run.Repairs && repair is not null ? await repair() : null;
        run.Add(finding with { Repair = repaired?.Words });
        if (repaired is null) return false;
        run.Repaired++;
        metrics.Repaired(finding.Kind);
        await book.RepairedAsync(id, repaired, cancellation);
        if (run.Repaired <= MaxLogged) Mended(finding.Kind, About(finding.Sku, finding.Subject), repaired.Words);
        return repaired.Resolved;
    }

    /// <summary>Gives a total that was changed without a movement the movement that explains it. That is no finding.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="sku">The SKU.</param>
    /// <param name="explain">Adds the movement; null when the total has moved on.</param>
    public async Task ExplainAsync(AuditRun run, string sku, Func<Task<Repaired?>> explain)
    {
        var explained = run.Repairs ? await explain() : null;
        if (run.Repairs && explained is null) return;
        run.Explained++;
        if (explained is not null && run.Explained <= MaxLogged) Explained(sku, explained.Words);
    }

    /// <summary>
    /// Items of one run of something that grows for ever: a third of a minute and more, in which the others wait for
    /// their turn.
    /// </summary>
    public int ItemsOfOnePass => Options.ItemsPerSecond * 20;

    /// <summary>Ends a pass, and closes what it didn't find any more.</summary>
    public async Task EndAsync<T>(
        AuditRun run, AuditPass<T> pass, AuditTurn<T> turn, CancellationToken cancellation)
    {
        pass.End(turn);
        if (run.DryRun || run.Found >= AuditRun.MaxRemembered) return;
        var gone = await book.CloseAsync(pass.Kind, turn.FirstRun, cancellation);
        foreach (var (kind, sku, subject) in gone.Take(MaxLogged)) Gone(kind, About(sku, subject));
    }

    /// <summary>Closes what a completed run didn't find any more.</summary>
    public async Task CloseAsync(AuditRun run, CancellationToken cancellation)
    {
        // Beyond that many, what was seen and what wasn't can't be told apart.
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

    [LoggerMessage(4, LogLevel.Information, "Somebody changed the total of {Sku} without a movement: {Words}")]
    private partial void Explained(string sku, string words);
}
