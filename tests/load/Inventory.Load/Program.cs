using System.Globalization;
using System.Runtime.InteropServices;
using Inventory.Load;
using Inventory.Load.Bench;
using Inventory.Load.Rivals;
using Inventory.Load.Stack;

using var stopping = new CancellationTokenSource();
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
string Setting(string name) => Environment.GetEnvironmentVariable(name)
    ?? throw new InvalidOperationException($"The environment variable {name} is missing.");

try
{
    switch (args)
    {
        case ["bench", var results, .. var rest]:
            var plan = new Plan(Quick: rest is ["--quick"]);
            return await BenchRun.RunAsync(results, plan, stopping.Token) ? 0 : 1;
        case ["flash-sale", var buyers, var units]:
            using (var shop = Shop.TryOfEnvironment() ?? await RunningStack.FindAsync(stopping.Token))
            {
                var sale = new FlashSale(shop, Console.WriteLine);
                return await sale.ProveAsync(Number(buyers), Number(units), stopping.Token) ? 0 : 1;
            }
        case ["shoppers", var count]:
            using (var shop = Shop.TryOfEnvironment()
                ?? throw new InvalidOperationException("The AppHost starts this and sets the gateway's address."))
            {
                await Shoppers.RunAsync(shop, Number(count), stopping.Token);
                return 0;
            }
        case ["hashes"]:
            Hashes.Measure(Console.WriteLine);
            return 0;
        case ["rivals", var port]:
            await RivalServer.RunAsync(Number(port), Setting("POSTGRES"), Setting("REDIS"));
            return 0;
        case ["proxy", var port, var server]:
            await EmptyProxy.RunAsync(Number(port), server);
            return 0;
        default:
            Console.Error.WriteLine("usage: Inventory.Load bench RESULTS [--quick] | flash-sale BUYERS UNITS | "
                + "shoppers COUNT | hashes | rivals PORT | proxy PORT SERVER");
            return 2;
    }
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    return 130;
}
