using System.Net.Mime;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Problems;
using Inventory.ServiceDefaults.Overload;
using Microsoft.AspNetCore.Http.Metadata;

namespace Inventory.ReservationApi.Description;

/// <summary>How an endpoint declares its request and its answers. Only the API description uses this.</summary>
internal static class Described
{
    // Problems that any endpoint may answer with, the gateway's included.
    private static readonly ProblemType[] Anywhere =
    [
        Problem.Validation, Problem.MalformedRequest, Problem.AuthenticationRequired, Problem.RequestTimeout,
        Problem.PayloadTooLarge, Problem.UriTooLong, Problem.TooManyRequests, Problem.HeadersTooLarge,
        Problem.InternalError, Problem.UpstreamInterrupted, Problem.StockUnavailable, Problem.StockUnreadable,
        Problem.UpstreamUnavailable, Problem.UpstreamTimeout,
    ];

    // The gateway may have to begin a session first.
    private static readonly ProblemType[] Shoppers = [Problem.SessionsUnavailable];

    private static readonly ProblemType[] Closed = [Problem.ScopeMissing];

    private static readonly ProblemType[] Sheddable = [Problem.TemporaryReducedCapacity];

    private static readonly ProblemType[] WithBody =
    [
        Problem.UnsupportedMediaType, Problem.IdempotencyKeyReused,
    ];

    /// <summary>The endpoint reads a JSON body of this shape.</summary>
    internal static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint) where T : notnull =>
        endpoint.Accepts<T>("application/json");

    /// <summary>The endpoint reads a whole number from the query.</summary>
    internal static RouteHandlerBuilder TakesQuery(
        this RouteHandlerBuilder endpoint, string name, int usual, int least, int most) =>
        endpoint.WithMetadata(new QueryNumber(name, usual, least, most));

    /// <summary>The endpoint reads a header.</summary>
    internal static RouteHandlerBuilder TakesHeader(
        this RouteHandlerBuilder endpoint, string name, string description) =>
        endpoint.WithMetadata(new RequestHeader(name, description));

    /// <summary>The endpoint changes something, and may be called again without an Idempotency-Key.</summary>
    internal static RouteHandlerBuilder MayBeRepeated(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new Repeatable());

    /// <summary>The endpoint may answer this.</summary>
    internal static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder endpoint, int status, string description) =>
        endpoint.WithMetadata(
            new ProducesResponseTypeMetadata(status, typeof(T), ["application/json"]) { Description = description });

    /// <summary>The endpoint may answer with a status and nothing else.</summary>
    internal static RouteHandlerBuilder Answers(this RouteHandlerBuilder endpoint, int status, string description) =>
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(void)) { Description = description });

    /// <summary>The endpoint answers with server-sent events, with data of this shape.</summary>
    internal static RouteHandlerBuilder Streams<T>(this RouteHandlerBuilder endpoint, string description) =>
        endpoint.WithMetadata(
            new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [MediaTypeNames.Text.EventStream])
            {
                Description = description,
            });

    /// <summary>The endpoint may refuse with these, and with what any endpoint of its kind may.</summary>
    internal static RouteHandlerBuilder Refuses(this RouteHandlerBuilder endpoint, params ProblemType[] own)
    {
        endpoint.Finally(built =>
        {
            var rules = built.Metadata.OfType<AccessRule>().ToList();
            var takesBody = built.Metadata.OfType<IAcceptsMetadata>().Any();
            // The gateway sheds every read of a shopper or backend, also where this service doesn't.
            var mayBeShed = built.Metadata.OfType<MayBeShed>().Any()
                || built.Metadata.OfType<IHttpMethodMetadata>().Any(one => one.HttpMethods.Contains(HttpMethods.Get));
            ProblemType[] all =
            [
                .. own, .. Anywhere, .. mayBeShed ? Sheddable : [], .. takesBody ? WithBody : [],
                .. rules.Count > 0 ? Closed : [], .. rules.Any(rule => rule.Shoppers) ? Shoppers : [],
            ];
            built.Metadata.Add(new Refusals(all));
            foreach (var status in all.Select(type => type.Status).Distinct())
            {
                built.Metadata.Add(new ProducesResponseTypeMetadata(status, typeof(Refusal), [Refusal.MediaType]));
            }
        });
        return endpoint;
    }
}

/// <summary>Problems that an endpoint may answer with.</summary>
/// <param name="Types">The problem types.</param>
internal sealed record Refusals(IReadOnlyList<ProblemType> Types);

/// <summary>A header that an endpoint reads.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it says.</param>
internal sealed record RequestHeader(string Name, string Description);

/// <summary>Marks an endpoint where a repeated call changes nothing.</summary>
internal sealed record Repeatable;

/// <summary>A whole number in the query.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Usual">The value when it is absent.</param>
/// <param name="Least">The least it may be.</param>
/// <param name="Most">The most it may be.</param>
internal sealed record QueryNumber(string Name, int Usual, int Least, int Most);
