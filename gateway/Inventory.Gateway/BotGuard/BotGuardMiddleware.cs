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
        var asked = subject.Length == 0 ? default : Weigh(context, tightened, subject);
        if (asked.Pressure == 0)
        {
            await next(context);
            return;
        }

        // 2. The solution is judged in memory, without a call to Redis.
        var solution = context.Request.Headers[Header].ToString();
        context.Request.Headers.Remove(Header);
        var (outcome, challenge) = proofs.Judge(solution, subject, asked.Units);

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
            await RefuseProofAsync(context, outcome, subject, asked);
            return;
        }

        metrics.Solved();
        await next(context);
    }

    /// <summary>What the request asks for, and the pressure on it or on its shopper; 0 for none.</summary>
    private AskedStock Weigh(HttpContext context, Tightened tightened, string subject)
    {
        var now = time.GetTimestamp();
        var address = ClientAddress.Of(context.Connection.RemoteIpAddress);
        var own = tightened.PressureOnShopper(subject, address, now);
        if (own == 0 && !tightened.HasSkus) return default;
        var asked = AskedStock.Of(context, tightened, now);
        return asked with { Pressure = Math.Max(own, asked.Pressure) };
    }

    private Task RefuseProofAsync(HttpContext context, ProofOutcome why, string subject, AskedStock asked)
    {
        metrics.Refused(why);
        metrics.Issued();
        context.Response.Headers.CacheControl = "no-store";
        var problem = new GatewayProblem(Problem.ProofOfWorkRequired, $"{Explain(why)} {WhatToDo}");
        return problem.WriteAsync(context, new()
        {
            ["reason"] = why.ToString().ToLowerInvariant(),
            ["challenge"] = proofs.Issue(subject, asked.Units, asked.Pressure),
        });
    }

    private static string Explain(ProofOutcome why) => why switch
    {
        ProofOutcome.Missing => "Stock is being taken very fast, so a request to reserve has to bring a proof of work.",
        ProofOutcome.Malformed => $"The value of {Header} can't be read as a solution.",
        ProofOutcome.Wrong => "The solution doesn't solve a challenge that was issued here.",
        ProofOutcome.Expired => "The solution came after its challenge had expired.",
        ProofOutcome.Insufficient => "The solution's challenge was for fewer units than the request asks for.",
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
