using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Inventory.ReservationApi.Problems;
using Microsoft.AspNetCore.Http.Features;

namespace Inventory.ReservationApi.Requests;

/// <summary>
/// Decodes the names in a path exactly once. Before it routes a request, the server decodes all of its path except
/// %2F, which would look like the end of a segment. So a name that was sent as a%2Fb and one that was sent as a%252Fb
/// (<c>a/b</c> and <c>a%2Fb</c>) are the same text in a route; the target as it was sent tells them apart.
/// </summary>
internal static class PathNames
{
    private const char Mark = '%';

    /// <summary>Decodes the route's values that the server has left as they are, or may have left.</summary>
    /// <returns>Null, unless the path isn't percent-encoded UTF-8.</returns>
    internal static Refusal? Decode(HttpContext http)
    {
        // Without it, the server has decoded everything.
        if (http.Request.Path.Value?.Contains(Mark, StringComparison.Ordinal) != true) return null;
        var target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        foreach (var (field, value) in http.Request.RouteValues.ToArray())
        {
            if (value is not string text || !text.Contains(Mark, StringComparison.Ordinal)) continue;
            if (Find(target, text) is not { } name) return Refusal.Invalid(field, "must be percent-encoded UTF-8");
            http.Request.RouteValues[field] = name;
        }

        return null;
    }

    /// <summary>
    /// The name in the segment of a target that a server decodes to a text. Null for none, and for several names: a
    /// target with .. has segments that the server has removed.
    /// </summary>
    private static string? Find(string target, string text)
    {
        var end = target.IndexOf('?', StringComparison.Ordinal);
        var names = (end < 0 ? target : target[..end]).Split('/').Where(segment => AsServer(segment) == text)
            .Select(Decode).Distinct().ToList();
        return names is [var name] ? name : null;
    }

    private static string AsServer(string segment) => Uri.UnescapeDataString(segment
        .Replace("%2F", "%252F", StringComparison.Ordinal).Replace("%2f", "%252f", StringComparison.Ordinal));

    private static string? Decode(string segment)
    {
        var bytes = new byte[segment.Length];
        var length = 0;
        for (var at = 0; at < segment.Length; at++)
        {
            if (segment[at] == Mark)
            {
                if (at + 2 >= segment.Length || !byte.TryParse(
                    segment.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                    out bytes[length]))
                {
                    return null;
                }

                at += 2;
            }
            else if (char.IsAscii(segment[at]))
            {
                bytes[length] = (byte)segment[at];
            }
            else
            {
                return null;
            }

            length++;
        }

        var name = bytes.AsSpan(0, length);
        return Utf8.IsValid(name) ? Encoding.UTF8.GetString(name) : null;
    }
}
