using System.Globalization;
using Inventory.Gateway.Admission;
using Inventory.Identity;
using Microsoft.AspNetCore.Http.Timeouts;

namespace Inventory.Gateway.Guarding;

/// <summary>
/// Asks shoppers for a proof of work, and admits one request per shopper and turn, where stock is being taken as only
/// machines take it. Costs nothing while nothing is tightened.
/// </summary>
/// <remarks>
/// Absent: callers who name their customers themselves, which is keys, and in Development this machine. They have no
/// browser that could solve anything, and answer for their customers; their rate limits stay. A caller with a wrong key
/// passes too: the API refuses it.
/// </remarks>
internal sealed class BotGuard(
    RequestDelegate next,
    GuardMemory memory,
    ProofOfWork proofs,
    GuardTurns turns,
    GuardMetrics metrics,
    TimeProvider time)
{
    /// <summary>Where the solution stands: base64, as ALTCHA's widget makes it.</summary>
    public const string Header = "X-Proof-Of-Work";

    private const string WhatToDo =
        $"Solve `challenge`, and send the same request again with the solution in {Header}. Nothing was done.";

    public Task InvokeAsync(HttpContext context)
    {
        var tightened = memory.Tightened;
        return tightened.IsEmpty || context.GetEndpoint()?.Metadata.GetMetadata<GuardedRoute>() is null
            || context.Request.Headers.ContainsKey(CallerHeaders.ApiKey)
            ? next(context)
            : ConsiderAsync(context, tightened);
    }

    private async Task ConsiderAsync(HttpContext context, Tightened tightened)
    {
        // 1. Somebody, for whom something tightened is at stake.
        var subject = context.Request.Headers[CallerHeaders.Shopper].ToString();
        try
        {
            if (subject.Length == 0 || !await IsAtStakeAsync(context, tightened, subject))
            {
                await next(context);
                return;
            }
        }
        catch (OperationCanceledException) when (HasTimedOut(context))
        {
            await GatewayProblem.RequestTooSlow.WriteAsync(context);
            return;
        }

        // 2. Their solution, judged without asking anybody.
        var solution = context.Request.Headers[Header].ToString();
        context.Request.Headers.Remove(Header);
        var (outcome, challenge) = proofs.Judge(solution, subject);

        // 3. Spent, and with it their turn.
        if (outcome == ProofOutcome.Solved)
        {
            var (turn, wait) = await turns.TakeAsync(challenge, subject);
            if (turn == GuardOutcome.TooEarly)
            {
                await RefuseTurnAsync(context, wait);
                return;
            }

            if (turn == GuardOutcome.Spent) outcome = ProofOutcome.Reused;
        }

        if (outcome != ProofOutcome.Solved)
        {
            await RefuseProofAsync(context, outcome, subject);
            return;
        }

        metrics.Solved();
        await next(context);
    }

    private async ValueTask<bool> IsAtStakeAsync(HttpContext context, Tightened tightened, string subject)
    {
        var now = time.GetTimestamp();
        return tightened.Has(Who.Session(subject), now)
            || tightened.Has(Who.Address(ClientAddress.Of(context.Connection.RemoteIpAddress)), now)
            || (tightened.HasSkus && await NamedSkus.AnyAsync(context, tightened, now));
    }

    private static bool HasTimedOut(HttpContext context) =>
        context.Features.Get<IHttpRequestTimeoutFeature>()?.RequestTimeoutToken.IsCancellationRequested == true;

    private Task RefuseProofAsync(HttpContext context, ProofOutcome why, string subject)
    {
        metrics.Refused(why);
        metrics.Issued();
        context.Response.Headers.CacheControl = "no-store";
        var problem = GatewayProblem.ProofOfWorkRequired with { Detail = $"{Explain(why)} {WhatToDo}" };
        return problem.WriteAsync(context, new()
        {
            ["reason"] = why.ToString().ToLowerInvariant(),
            ["challenge"] = proofs.Issue(subject),
        });
    }

    private static string Explain(ProofOutcome why) => why switch
    {
        ProofOutcome.Missing => "Stock is being taken very fast, so a request to reserve has to bring a proof of work.",
        ProofOutcome.Malformed => $"What {Header} holds can't be read as a solution.",
        ProofOutcome.Wrong => "The solution doesn't solve a challenge that was given out here.",
        ProofOutcome.Expired => "The solution came after its challenge had expired.",
        ProofOutcome.Foreign => "The challenge was given to another shopper.",
        _ => "The solution was used before; each is good for one request.",
    };

    private static Task RefuseTurnAsync(HttpContext context, TimeSpan wait)
    {
        var seconds = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.RetryAfter = seconds;
        return GatewayProblem.NotYourTurn.WriteAsync(context);
    }
}
