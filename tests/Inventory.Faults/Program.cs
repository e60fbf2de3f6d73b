using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Inventory.Faults;
using Inventory.Faults.Running;

using var stopping = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

if (args.Length < 3)
{
    Console.Error.WriteLine("usage: Inventory.Faults MINUTES FOLDER SEED [SEED ...]");
    return 2;
}

var minutes = double.Parse(args[0], CultureInfo.InvariantCulture);
var findings = new List<Finding>();
try
{
    if (args[2..] is ["bugs"]) return await FindBugsAsync();
    foreach (var seed in args[2..].Select(text => int.Parse(text, CultureInfo.InvariantCulture)))
    {
        Console.WriteLine($"seed {seed}: starting the product");
        var finding = await FaultRun.CarryOutAsync(
            new() { Seed = seed, Length = TimeSpan.FromMinutes(minutes), Progress = Console.WriteLine },
            stopping.Token);
        findings.Add(finding);
        Keep(finding, args[1]);
        Console.WriteLine();
        Console.WriteLine(Report.Verdict(finding));
    }
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    return 130;
}

Console.WriteLine(Report.Faults(findings));
Console.WriteLine($"{findings.Sum(finding => finding.Violations.Count)} violations");
return findings.Any(finding => finding.Violations.Count > 0) ? 1 : 0;

// Tests the checker: runs each seeded bug alone, without faults.
async Task<int> FindBugsAsync()
{
    var missed = 0;
    foreach (var name in KnownBugs.Names)
    {
        using var bug = KnownBugs.Make(name);
        var plan = new Plan
        {
            Seed = 1,
            Length = TimeSpan.FromMinutes(minutes),
            IsCalm = true,
            Bug = bug,
            Patience = TimeSpan.FromSeconds(5),
        };
        var finding = await FaultRun.CarryOutAsync(plan, stopping.Token);
        Console.WriteLine($"== {name}");
        Console.WriteLine(Report.Verdict(finding));
        if (finding.Violations.Count == 0) missed++;
    }

    Console.WriteLine($"{missed} of {KnownBugs.Names.Count} seeded bugs were not found");
    return missed;
}

// Writes logs and the whole evidence: finding a cause needs more than the shortest history.
static void Keep(Finding finding, string folder)
{
    Directory.CreateDirectory(folder);
    foreach (var (member, log) in finding.Logs)
    {
        File.WriteAllText(Path.Combine(folder, $"seed-{finding.Seed}-{member}.log"), log);
    }

    using var file = File.Create(Path.Combine(folder, $"seed-{finding.Seed}.json"));
    JsonSerializer.Serialize(file, finding.Evidence);
}
