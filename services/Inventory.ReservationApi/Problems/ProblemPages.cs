using System.Globalization;
using System.Net;
using System.Net.Mime;
using System.Text;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ServiceDefaults.Overload;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Inventory.ReservationApi.Problems;

/// <summary>
/// GET /problems and /problems/{slug}: what a <c>type</c> in problem details means, for the person who follows it.
/// </summary>
public static class ProblemPages
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        // Pages for people, so they stay out of the API description.
        var pages = routes.MapGroup(Problem.Path).ExcludeFromDescription()
            .ForEveryone("A refused caller reads here why, also one without a key.")
            .MayBeShed(Priority.Browsing)
            .WithContentPolicy(Policy);
        pages.MapGet("", Index);
        pages.MapGet("/{slug}", Page);
    }

    internal static IResult Index()
    {
        var list = new StringBuilder(
            "<p>Errors are problem details (RFC 9457). Their <code>type</code> leads here.</p><table>");
        foreach (var type in Problem.All)
        {
            list.Append(CultureInfo.InvariantCulture,
                $"<tr><td>{type.Status}<td><a href=\"{type.Uri}\">{type.Slug}</a><td>{Html(type.Title)}");
        }
        return Document("Problems", list.Append("</table>").ToString());
    }

    internal static IResult Page(string slug)
    {
        var type = Problem.All.FirstOrDefault(type => type.Slug == slug);
        if (type is null) return Refusal.Of(Problem.NotFound, "No problem type has this name; /problems lists them.");
        return Document(type.Title, $"""
            <p><code>{type.Slug}</code>, HTTP status {type.Status}</p>
            <h2>What has happened</h2><p>{Html(type.Meaning)}</p>
            <h2>What to do</h2><p>{Html(type.Remedy)}</p>
            <p><a href="{Problem.Path}">All problems</a></p>
            """);
    }

    // A page loads nothing but its own style, and no other page may show it in a frame.
    private const string Policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static ContentHttpResult Document(string title, string body) => TypedResults.Content($$"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>{{Html(title)}}</title>
        <meta name="viewport" content="width=device-width">
        <style>body{font:1rem/1.5 system-ui;max-width:42rem;margin:3rem auto;padding:0 1rem}
        td{padding:.2rem 1rem .2rem 0}</style>
        </head><body><h1>{{Html(title)}}</h1>{{body}}</body></html>
        """, MediaTypeNames.Text.Html, Encoding.UTF8);

    private static string Html(string text) => WebUtility.HtmlEncode(text);
}
