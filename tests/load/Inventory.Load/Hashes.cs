using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Inventory.Load;

/// <summary>
/// Measures how fast a bot solves the guard's challenges on one thread: SHA-256 of a salt and a number as text, as a
/// program without a browser computes it.
/// </summary>
internal static class Hashes
{
    // A salt has this form and length.
    private const string Salt =
        "0123456789abcdef01234567?expires=1789000120&for=0123456789abcdef01234567&units=2&";

    // Many short rounds: other work on the machine disturbs the fastest ones least.
    private const int Rounds = 200;

    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(25);

    public static void Measure(Action<string> say)
    {
        var rates = new double[Rounds];
        for (var round = 0; round < Rounds; round++) rates[round] = MeasureRound();
        Array.Sort(rates);
        say(string.Create(
            CultureInfo.InvariantCulture,
            $"C#, one thread: {rates[^1]:N0} hashes a second in the fastest of {Rounds} rounds, "
                + $"{rates[Rounds / 2]:N0} in the median"));
    }

    private static double MeasureRound()
    {
        Span<byte> text = stackalloc byte[Salt.Length + 20];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.ASCII.GetBytes(Salt, text);
        var (watch, number) = (Stopwatch.StartNew(), 0);
        while (watch.Elapsed < Round)
        {
            for (var last = number + 100; number < last; number++)
            {
                number.TryFormat(text[length..], out var digits, provider: CultureInfo.InvariantCulture);
                SHA256.HashData(text[..(length + digits)], hash);
            }
        }

        return number / watch.Elapsed.TotalSeconds;
    }
}
