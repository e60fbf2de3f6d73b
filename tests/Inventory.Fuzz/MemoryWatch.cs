using System.Globalization;
using System.Text;
using StackExchange.Redis;

namespace Inventory.Fuzz;

/// <summary>Samples the memory of every process of the product, and of Redis' data.</summary>
/// <remarks>
/// A process counts with its resident pages. A server of several processes, such as PostgreSQL, counts with the
/// proportional share of each (PSS): they have most pages in common.
/// </remarks>
public sealed class MemoryWatch(Product product)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, List<double>> megabytes = [];

    /// <summary>Takes samples until it is cancelled.</summary>
    public async Task WatchAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await SampleAsync();
            await Task.Delay(Pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The samples of every process: the first, the median, the last and the highest.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine($"{"memory, MB",-44}{"first",8}{"median",8}{"last",8}{"highest",8}");
        foreach (var (name, samples) in megabytes.OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            var sorted = samples.Order().ToList();
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{name,-44}{samples[0],8:0}{sorted[sorted.Count / 2],8:0}{samples[^1],8:0}{sorted[^1],8:0}");
        }

        return text.ToString();
    }

    private async Task SampleAsync()
    {
        foreach (var (name, id) in product.Processes)
        {
            if (Kilobytes(id) is { } size) Add(name, size / 1024.0);
        }

        var info = await product.Redis.GetServers()[0].InfoAsync("memory");
        var used = info.SelectMany(group => group).First(line => line.Key == "used_memory").Value;
        Add("redis: used_memory", double.Parse(used, CultureInfo.InvariantCulture) / 1024 / 1024);
    }

    private void Add(string name, double size)
    {
        if (!megabytes.TryGetValue(name, out var samples)) megabytes[name] = samples = [];
        samples.Add(size);
    }

    private static long? Kilobytes(int id)
    {
        try
        {
            var children = File.ReadAllText($"/proc/{id}/task/{id}/children")
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (children.Length == 0) return Read($"/proc/{id}/status", "VmRSS:");
            return children.Append($"{id}").Sum(each => Read($"/proc/{each}/smaps_rollup", "Pss:") ?? 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended meanwhile, or belongs to another user.
            return null;
        }
    }

    private static long? Read(string file, string name)
    {
        try
        {
            return File.ReadLines(file).Where(line => line.StartsWith(name, StringComparison.Ordinal))
                .Select(line => long.Parse(line.AsSpan(name.Length).Trim()[..^3], CultureInfo.InvariantCulture))
                .Cast<long?>().FirstOrDefault();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A child of the server has ended meanwhile.
            return null;
        }
    }
}
