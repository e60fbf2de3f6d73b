using System.Text;
using System.Text.RegularExpressions;
using Inventory.Testing;

namespace Inventory.Faults.Running;

/// <summary>
/// A mistake that the product does not make, to see that the checker would find it. The services run from copies of
/// their folders in which a script's text, which lies in the assembly as it is written, is another of the same length.
/// </summary>
public sealed class SeededBug : IDisposable
{
    private const string Assembly = "Inventory.Stock.dll";
    private readonly string folder = Directory.CreateTempSubdirectory("inventory-faults-").FullName;
    private readonly List<(string Script, string From, string To)> changes = [];

    /// <summary>What is wrong.</summary>
    public required string Name { get; init; }

    /// <summary>Statements that make PostgreSQL part of it.</summary>
    public string? Sql { get; init; }

    /// <summary>Changes a script.</summary>
    /// <param name="script">Its file in <c>lua/</c>.</param>
    /// <param name="from">A text that stands in it once.</param>
    /// <param name="to">What stands there instead.</param>
    public SeededBug Change(string script, string from, string to)
    {
        changes.Add((script, from, to));
        return this;
    }

    /// <summary>Deletes the copies.</summary>
    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A copy of a service that makes the mistake.</summary>
    internal string FolderOf(string project)
    {
        var (from, copy) = (ServiceProcess.FolderOf(project), Path.Combine(folder, project));
        if (Directory.Exists(copy)) return copy;
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        var assembly = Path.Combine(copy, Assembly);
        if (!File.Exists(assembly)) return copy;
        var bytes = File.ReadAllBytes(assembly);
        foreach (var (script, text, instead) in changes) Patch(bytes, Original(script), text, instead);
        File.WriteAllBytes(assembly, bytes);
        return copy;
    }

    private static string Original(string script)
    {
        using var stream = typeof(Stock.Script).Assembly.GetManifestResourceStream(script)
            ?? throw new InvalidOperationException($"There is no script {script}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static void Patch(byte[] assembly, string original, string from, string to)
    {
        if (Regex.Count(original, Regex.Escape(from)) != 1)
        {
            throw new InvalidOperationException($"This does not stand in the script once: {from}");
        }

        // The room for what is added is that of the comments.
        var changed = string.Join('\n', original.Replace(from, to, StringComparison.Ordinal).Split('\n')
            .Where(line => !line.StartsWith("--", StringComparison.Ordinal)
                || line.StartsWith("-- include", StringComparison.Ordinal)));
        var (old, next) = (Encoding.UTF8.GetBytes(original), Encoding.UTF8.GetBytes(changed));
        if (next.Length > old.Length) throw new InvalidOperationException("The changed script is too long.");
        var at = assembly.AsSpan().IndexOf(old);
        if (at < 0) throw new InvalidOperationException("The assembly does not have the script.");
        assembly.AsSpan(at, old.Length).Fill((byte)'\n');
        next.CopyTo(assembly.AsSpan(at));
    }
}
