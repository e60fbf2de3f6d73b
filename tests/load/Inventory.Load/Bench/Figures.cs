using System.Globalization;

namespace Inventory.Load.Bench;

/// <summary>The samples of a run by step and metric, one for each round.</summary>
internal sealed class Figures
{
    private readonly Dictionary<(string Step, string Metric), (string Unit, List<double> Samples)> all = [];
    private readonly List<(string Step, string Metric)> order = [];

    /// <summary>Adds a sample.</summary>
    public void Add(string step, string metric, string unit, double value)
    {
        if (!all.TryGetValue((step, metric), out var figure))
        {
            all[(step, metric)] = figure = (unit, []);
            order.Add((step, metric));
        }
        figure.Samples.Add(value);
    }

    /// <summary>Adds the result of one load step.</summary>
    public void Add(string step, LoadResult load)
    {
        Add(step, "throughput", "1/s", load.PerSecond);
        Add(step, "p50", "ms", load.P50);
        Add(step, "p99", "ms", load.P99);
        Add(step, "p99.9", "ms", load.P999);
        Add(step, "errors", "requests", load.Errors);
    }

    /// <summary>The median of all rounds; null when the step wasn't measured.</summary>
    public double? Median(string step, string metric) =>
        all.TryGetValue((step, metric), out var figure) ? Median(figure.Samples) : null;

    /// <summary>The highest value of all rounds; null when the step wasn't measured.</summary>
    public double? Most(string step, string metric) =>
        all.TryGetValue((step, metric), out var figure) ? figure.Samples.Max() : null;

    /// <summary>Requests per second, the median of all rounds.</summary>
    public double? PerSecond(string step) => Median(step, "throughput");

    /// <summary>One line for each figure.</summary>
    public IEnumerable<string> Csv()
    {
        yield return "step,metric,unit,median,least,most,rounds";
        foreach (var (step, metric) in order)
        {
            var (unit, samples) = all[(step, metric)];
            yield return string.Join(',', step, metric, unit, Number(Median(samples)), Number(samples.Min()),
                Number(samples.Max()), samples.Count);
        }
    }

    private static double Median(List<double> samples)
    {
        var sorted = samples.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
