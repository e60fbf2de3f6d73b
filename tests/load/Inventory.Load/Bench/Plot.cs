using System.Globalization;
using System.Text;

namespace Inventory.Load.Bench;

/// <summary>A bar chart of the product, its ceilings and rivals; readable on white and on black.</summary>
internal static class Plot
{
    private const int Width = 860;
    private const int Labels = 290;
    private const int Row = 26;
    private const int Top = 58;
    private const int Longest = 430;
    private const string Ours = "#2f81f7";
    private const string Ceiling = "#8b949e";
    private const string Rival = "#d29922";

    /// <summary>The chart as SVG.</summary>
    /// <param name="figures">The measured figures.</param>
    /// <param name="caption">Machine and date of the run.</param>
    public static string Of(Figures figures, string caption)
    {
        (string Label, double? Value, string Colour)[] bars =
        [
            ("reserve, through the gateway", figures.PerSecond(Names.Gateway), Ours),
            ("reserve, at the API", figures.PerSecond(Names.Api), Ours),
            ("confirm, through the gateway", figures.PerSecond(Names.Confirm), Ours),
            ("ceiling: empty handler", figures.PerSecond($"{Names.Empty} c64"), Ceiling),
            ("ceiling: empty handler behind YARP", figures.PerSecond($"{Names.EmptyProxied} c64"), Ceiling),
            ("ceiling: script alone, fsync no", figures.PerSecond($"{Names.Script} fsync no c64"), Ceiling),
            ("ceiling: script alone, fsync always", figures.PerSecond($"{Names.Script} fsync always c64"), Ceiling),
            ("rival: conditional UPDATE", figures.PerSecond($"{Names.Conditional} one SKU"), Rival),
            ("rival: SELECT FOR UPDATE", figures.PerSecond($"{Names.ForUpdate} one SKU"), Rival),
            ("rival: a lock in Redis", figures.PerSecond($"{Names.RedisLock} one SKU"), Rival),
            ("rival: confirm, one transaction each", figures.PerSecond(Names.ConfirmAlone), Rival),
        ];
        var most = bars.Max(bar => bar.Value ?? 0);
        var height = Top + (bars.Length * Row) + 34;
        var svg = new StringBuilder(
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}"
                 font-family="system-ui, sans-serif" font-size="13" fill="#7d8590" role="img">
              <title>Requests a second on one hot SKU</title>
              <text x="12" y="24" font-size="16" font-weight="600">One hot SKU, 64 connections: requests a second</text>
              <text x="12" y="44" font-size="11">everything on one machine, the load included; longer is better</text>

            """);
        foreach (var (index, (label, value, colour)) in bars.Index())
        {
            var y = Top + (index * Row);
            var width = most > 0 ? Math.Max(1, (int)((value ?? 0) / most * Longest)) : 1;
            var text = value is null ? "not measured" : value.Value.ToString("#,0", CultureInfo.InvariantCulture);
            svg.Append(
                $"""
                  <text x="{Labels - 10}" y="{y + 17}" text-anchor="end">{label}</text>
                  <rect x="{Labels}" y="{y + 4}" width="{width}" height="{Row - 8}" rx="3" fill="{colour}"/>
                  <text x="{Labels + width + 8}" y="{y + 17}" font-weight="600">{text}</text>

                """);
        }
        return svg.Append(
            $"""
              <text x="12" y="{height - 12}" font-size="11">{caption}</text>
            </svg>

            """).ToString();
    }
}
