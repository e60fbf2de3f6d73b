using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Inventory.Contracts;
using Inventory.Fuzz.Checking;
using Inventory.Fuzz.Description;
using Inventory.Fuzz.Making;
using Inventory.Fuzz.Wire;
using Inventory.Testing;

namespace Inventory.Fuzz;

/// <summary>The settings of a run.</summary>
public sealed record Plan
{
    /// <summary>The seed of all random decisions.</summary>
    public required int Seed { get; init; }

    /// <summary>How many calls are made.</summary>
    public long Calls { get; init; } = long.MaxValue;

    /// <summary>How long calls are made.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.MaxValue;

    /// <summary>Clients that call at the same time, each with its own calls.</summary>
    public int Clients { get; init; } = 24;

    /// <summary>After how many calls the fence is closed each time, so that there are tickets.</summary>
    public int FenceEvery { get; init; } = 2_000;

    /// <summary>The longest time that an answer may take.</summary>
    public TimeSpan Slowest { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The result of a run.</summary>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Front">The gateway's address.</param>
/// <param name="Took">How long the calls took.</param>
/// <param name="Answers">Answers by the operation that was reached, and status; 0 is no answer.</param>
/// <param name="Operations">All operations of the document.</param>
/// <param name="Findings">Answers that the document doesn't allow.</param>
/// <param name="Memory">What the processes used.</param>
public sealed record Outcome(
    int Seed, Uri Front, TimeSpan Took, IReadOnlyDictionary<(string Operation, int Status), int> Answers,
    IReadOnlyList<Operation> Operations, IReadOnlyList<Finding> Findings, string Memory)
{
    /// <summary>The number of calls.</summary>
    public int Calls => Answers.Values.Sum();

    /// <summary>Operations that never did what they are for.</summary>
    public IReadOnlyList<string> NeverDone =>
    [
        .. Operations.Select(operation => operation.Id)
            .Where(id => !Answers.Keys.Any(key => key.Operation == id && key.Status is >= 200 and < 300)),
    ];
}

/// <summary>One run: clients that call at random, and the check of every answer.</summary>
public sealed class FuzzRun
{
    private static readonly TimeSpan StreamPatience = TimeSpan.FromMilliseconds(300);

    private readonly Plan plan;
    private readonly Product product;
    private readonly ApiDocument document;
    private readonly AnswerCheck check;
    private readonly Findings findings = new();
    private readonly ConcurrentDictionary<(string Operation, int Status), int> answers = new();
    private long begun;

    private FuzzRun(Plan plan, Product product, ApiDocument document)
    {
        (this.plan, this.product, this.document) = (plan, product, document);
        check = new(document, plan.Slowest);
    }

    /// <summary>Carries a run out against a product.</summary>
    public static async Task<Outcome> CarryOutAsync(Plan plan, Product product, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(product);
        using var http = new HttpClient { BaseAddress = product.Front };
        var document = ApiDocument.Parse(
            await http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative), stop));
        await PrepareAsync(http, product);
        return await new FuzzRun(plan, product, document).RunAsync(stop);
    }

    private async Task<Outcome> RunAsync(CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (plan.Length < TimeSpan.MaxValue) over.CancelAfter(plan.Length);
        var began = TimeProvider.System.GetTimestamp();
        var memory = new MemoryWatch(product);
        var watching = memory.WatchAsync(over.Token);
        await Task.WhenAll(Enumerable.Range(0, plan.Clients).Select(
            client => Task.Run(() => CallAsync(client, over.Token), CancellationToken.None)));
        var took = TimeProvider.System.GetElapsedTime(began);
        await over.CancelAsync();
        await watching;
        stop.ThrowIfCancellationRequested();
        return new(
            plan.Seed, product.Front, took, answers, document.Operations, findings.All, memory.ToString());
    }

    private async Task CallAsync(int client, CancellationToken over)
    {
        // A little longer than the slowest answer, so that one is told from none.
        using var connection = new Connection(product.Front, plan.Slowest * 1.2, StreamPatience);
        var maker = new CallMaker(document, product.Front, product.Credentials, plan.Seed, client);
        for (var number = 1; !over.IsCancellationRequested; number++)
        {
            var count = Interlocked.Increment(ref begun);
            if (count > plan.Calls) return;
            if (count % plan.FenceEvery == 0) await product.CloseFenceAsync();
            var call = maker.Next();
            Answer answer;
            try
            {
                answer = await connection.AskAsync(call, over);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                // The time is over within a call.
                return;
            }

            answers.AddOrUpdate((check.Reached(call)?.Id ?? "", answer.Status), 1, (_, before) => before + 1);
            foreach (var fault in check.Check(call, answer))
            {
                findings.Add(fault, call, answer, $"seed {plan.Seed}, client {client}, call {number}");
            }

            maker.Learn(call, answer);
        }
    }

    /// <summary>Creates what clients share, and one event that can't be stored.</summary>
    private static async Task PrepareAsync(HttpClient http, Product product)
    {
        for (var number = 0; number < Words.Shared; number++)
        {
            var (path, total) = ($"/api/products/{Words.SharedSku(number)}", number == 0 ? 3 : 100_000);
            // On a busy machine an attempt may time out; it may have created the product all the same.
            await Eventually.TrueAsync(async () =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Put, path)
                {
                    Content = JsonContent.Create(new { name = "Fuzz", total }),
                    Headers = { { InventoryHeaders.ApiKey, product.Credentials.Keys[0] }, { "If-None-Match", "*" } },
                };
                using var response = await http.SendAsync(request);
                return response.StatusCode is HttpStatusCode.Created or HttpStatusCode.PreconditionFailed;
            });
        }

        await product.AddBrokenEventAsync();
    }
}
