using System.Diagnostics;
using System.Globalization;

namespace Inventory.Load.Http;

/// <summary>
/// Runs wrk with tests/load/reserve.lua. On a small machine wrk leaves more processor time to the measured program than
/// <see cref="ClosedLoop"/>, which is for what wrk can't do, such as confirming earlier holds.
/// </summary>
internal static class Wrk
{
    /// <summary>Reserves one unit with each request, each for a new customer.</summary>
    /// <param name="target">Address and path.</param>
    /// <param name="connections">Requests under way at once.</param>
    /// <param name="duration">Whole seconds.</param>
    /// <param name="sku">The SKU; with several, the part of their names before the number.</param>
    /// <param name="skus">Number of SKUs.</param>
    /// <param name="stop">Cancels the run.</param>
    /// <exception cref="InvalidOperationException">The output of wrk has no figures.</exception>
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
