using System.Globalization;
using System.Runtime.InteropServices;
using Inventory.Fuzz;

using var stopping = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

if (args is not [var minutes, var folder, var seed])
{
    Console.Error.WriteLine("usage: Inventory.Fuzz MINUTES FOLDER SEED");
    return 2;
}

var plan = new Plan
{
    Seed = int.Parse(seed, CultureInfo.InvariantCulture),
    Length = TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)),
};
try
{
    Console.WriteLine($"seed {plan.Seed}: starting the product");
    await using var product = await Product.StartAsync();
    Console.WriteLine($"calling {product.Front} for {plan.Length.TotalMinutes:0.#} minutes");
    var outcome = await FuzzRun.CarryOutAsync(plan, product, stopping.Token);
    Directory.CreateDirectory(folder);
    var file = Path.Combine(folder, $"seed-{plan.Seed}.txt");
    await File.WriteAllTextAsync(file, FuzzReport.Findings(outcome, most: int.MaxValue));
    await File.WriteAllTextAsync(Path.ChangeExtension(file, ".log"), product.Log);
    Console.WriteLine(FuzzReport.Coverage(outcome));
    Console.WriteLine(outcome.Memory);
    Console.WriteLine(FuzzReport.Findings(outcome));
    Console.WriteLine($"All findings are in {file}, and what the processes wrote is beside it.");
    return outcome.Findings.Count > 0 ? 1 : 0;
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    return 130;
}
