using System.Globalization;

namespace Inventory.Load.Stack;

/// <summary>Processor time and memory of processes with all their children, from /proc.</summary>
internal static class ProcessFigures
{
    private const double TicksPerSecond = 100;

    /// <summary>Processor time that processes and their descendants, ended ones included, have used.</summary>
    public static TimeSpan Processor(IEnumerable<int> pids)
    {
        var all = Read();
        return TimeSpan.FromSeconds(Tree(pids, all).Sum(pid => all[pid].Ticks) / TicksPerSecond);
    }

    /// <summary>
    /// Memory in MB: private pages, and a proportional share of shared pages (PSS).
    /// </summary>
    public static double Megabytes(IEnumerable<int> pids) => Tree(pids, Read()).Sum(Kilobytes) / 1024.0;

    private static long Kilobytes(int pid)
    {
        try
        {
            return File.ReadLines($"/proc/{pid}/smaps_rollup")
                .Where(line => line.StartsWith("Pss:", StringComparison.Ordinal))
                .Select(line => long.Parse(line[4..^2].Trim(), CultureInfo.InvariantCulture))
                .FirstOrDefault();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended meanwhile or belongs to another user; it isn't counted.
            return 0;
        }
    }

    private static IEnumerable<int> Tree(IEnumerable<int> roots, Dictionary<int, (int Parent, long Ticks)> all)
    {
        var children = all.ToLookup(process => process.Value.Parent, process => process.Key);
        var waiting = new Queue<int>(roots.Where(all.ContainsKey));
        while (waiting.TryDequeue(out var pid))
        {
            yield return pid;
            foreach (var child in children[pid]) waiting.Enqueue(child);
        }
    }

    private static Dictionary<int, (int Parent, long Ticks)> Read()
    {
        var all = new Dictionary<int, (int, long)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid)) continue;
            try
            {
                var text = File.ReadAllText($"{folder}/stat");
                // The name may contain any character. After it come state and parent, and from the twelfth field on
                // user time, system time, and both of children that have ended.
                var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
                var ticks = fields[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
                all[pid] = (int.Parse(fields[1], CultureInfo.InvariantCulture), ticks);
            }
            catch (IOException)
            {
                // The process has ended meanwhile.
            }
        }
        return all;
    }
}
