using System.Diagnostics;
using System.Globalization;

namespace Inventory.Load.Http;

/// <summary>
/// Runs wrk with tests/load/reserve.lua: on a small machine it leaves more of the processor to what is measured than
/// <see cref="ClosedLoop"/>, which does what wrk can't, such as confirming what was held.
/// </summary>
internal static class Wrk
{
    /// <summary>Reserves one unit for one customer after the other.</summary>
    /// <param name="target">Address and path.</param>
    /// <param name="connections">Requests under way at once.</param>
    /// <param name="duration">Whole seconds.</param>
    /// <param name="sku">The SKU, or the name in front of the numbers of many.</param>
    /// <param name="skus">How many.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="InvalidOperationException">wrk says something else than its figures.</exception>
    public static async Task<LoadResult> ReserveAsync(
        Uri target, int connections, TimeSpan duration, string sku, int skus, CancellationToken stop)
    {
        var script = Path.Combine(Repository.Root, "tests", "load", "reserve.lua");
        var start = new ProcessStartInfo("wrk",
        [
            "-t1", $"-c{connections}", $"-d{(int)duration.TotalSeconds}s", "--timeout", "10s", "-s", script,
            target.GetLeftPart(UriPartial.Authority),
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["SKU"] = sku;
        start.Environment["SKUS"] = skus.ToString(CultureInfo.InvariantCulture);
        start.Environment["TTL"] = "3600";
        start.Environment["ROUTE"] = target.AbsolutePath;
        start.Environment["RUN"] = Guid.NewGuid().ToString("N")[..8];

        var output = await Commands.OutputAsync(start, stop);
        var figures = output.Split('\n')
            .Where(line => line.StartsWith("RESULT ", StringComparison.Ordinal))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]
                .Select(figure => double.Parse(figure, CultureInfo.InvariantCulture)).ToArray())
            .FirstOrDefault() ?? throw new InvalidOperationException($"wrk said:\n{output}");
        var (requests, refused, lost) = ((long)figures[1], (long)figures[2], (long)figures[3]);
        return new(figures[0], requests - refused, refused + lost, figures[4], figures[5], figures[6]);
    }
}
