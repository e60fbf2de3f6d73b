using System.Globalization;
using Inventory.Contracts;
using Inventory.Gateway.RateLimiting;

namespace Inventory.Gateway.BotGuard;

/// <summary>
/// Where stock is being taken as fast as only machines take it, requires a proof of work from shoppers, and admits one
/// request per shopper and <see cref="GuardOptions.Turn"/>. Costs nothing while nothing is tightened.
/// </summary>
/// <remarks>
/// By design: callers who name their customers themselves pass: those with a key, and in Development this machine. They
/// have no browser to solve a challenge, and answer for their customers; their rate limits stay. A caller with a wrong
/// key passes too: the API refuses it.
/// </remarks>
internal sealed class BotGuardMiddleware(
    RequestDelegate next,
    GuardMemory memory,
    ProofOfWork proofs,
    ChallengeAttempts attempts,
    GuardMetrics metrics,
    TimeProvider time)
{
    private const string Header = InventoryHeaders.ProofOfWork;

    private const string WhatToDo =
        $"Solve `challenge`, and send the same request again with the solution in {Header}. Nothing was done.";

    public Task InvokeAsync(HttpContext context)
    {
        var tightened = memory.Tightened;
        return tightened.IsEmpty || context.GetEndpoint()?.Metadata.GetMetadata<GuardedRoute>() is null
            || context.Request.Headers.ContainsKey(InventoryHeaders.ApiKey)
            ? next(context)
            : ConsiderAsync(context, tightened);
    }

    private async Task ConsiderAsync(HttpContext context, Tightened tightened)
    {
        // 1. Only shoppers who are tightened, or ask for a tightened SKU, need a proof.
        var subject = context.Request.Headers[InventoryHeaders.Shopper].ToString();
        if (subject.Length == 0 || !IsAtStake(context, tightened, subject))
        {
            await next(context);
            return;
        }

        // 2. The solution is judged in memory, without a call to Redis.
        var solution = context.Request.Headers[Header].ToString();
        context.Request.Headers.Remove(Header);
        var (outcome, challenge) = proofs.Judge(solution, subject);

        // 3. The solution is spent, and with it the shopper's attempt.
        if (outcome == ProofOutcome.Solved)
        {
            var (attempt, wait) = await attempts.TakeAsync(challenge, subject);
            if (attempt == GuardOutcome.TooEarly)
            {
                await RefuseEarlyAttemptAsync(context, wait);
                return;
            }

            if (attempt == GuardOutcome.Spent) outcome = ProofOutcome.Reused;
        }

        if (outcome != ProofOutcome.Solved)
        {
            await RefuseProofAsync(context, outcome, subject);
            return;
        }

        metrics.Solved();
        await next(context);
    }

    private bool IsAtStake(HttpContext context, Tightened tightened, string subject)
    {
        var now = time.GetTimestamp();
        return tightened.Has(GuardSubject.Session(subject), now)
            || tightened.Has(GuardSubject.Address(ClientAddress.Of(context.Connection.RemoteIpAddress)), now)
            || (tightened.HasSkus && NamedSkus.Any(context, tightened, now));
    }

    private Task RefuseProofAsync(HttpContext context, ProofOutcome why, string subject)
    {
        metrics.Refused(why);
        metrics.Issued();
        context.Response.Headers.CacheControl = "no-store";
        var problem = new GatewayProblem(Problem.ProofOfWorkRequired, $"{Explain(why)} {WhatToDo}");
        return problem.WriteAsync(context, new()
        {
            ["reason"] = why.ToString().ToLowerInvariant(),
            ["challenge"] = proofs.Issue(subject),
        });
    }

    private static string Explain(ProofOutcome why) => why switch
    {
        ProofOutcome.Missing => "Stock is being taken very fast, so a request to reserve has to bring a proof of work.",
        ProofOutcome.Malformed => $"The value of {Header} can't be read as a solution.",
        ProofOutcome.Wrong => "The solution doesn't solve a challenge that was issued here.",
        ProofOutcome.Expired => "The solution came after its challenge had expired.",
        ProofOutcome.Foreign => "The challenge was issued to another shopper.",
        _ => "The solution was used before; each is valid for one request.",
    };

    private static Task RefuseEarlyAttemptAsync(HttpContext context, TimeSpan wait)
    {
        var seconds = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.RetryAfter = seconds;
        return GatewayProblem.AttemptTooEarly.WriteAsync(context);
    }
}
