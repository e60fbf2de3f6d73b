namespace Inventory.Gateway.BotGuard;

/// <summary>How much work a challenge costs.</summary>
/// <remarks>
/// The pressure is how many times the threshold was taken within the window, in whole steps from 1 to
/// <see cref="MostPressure"/>; 0 stands for what is not tightened. The most is small, because each shopper pays for it,
/// also a shopper that wants a single unit.
/// </remarks>
internal static class Difficulty
{
    /// <summary>The greatest pressure.</summary>
    public const int MostPressure = 4;

    /// <summary>More units than any request can ask for; further ones make no difference.</summary>
    public const long MostUnits = 1_000_000_000;

    /// <summary>The pressure of units that were taken within the window.</summary>
    /// <param name="units">The units.</param>
    /// <param name="threshold">The number that tightens; 0 for one that never does by itself.</param>
    public static int PressureOf(long units, int threshold) =>
        threshold == 0 ? 1 : (int)Math.Clamp(units / threshold, 1, MostPressure);

    /// <summary>The units that a challenge is for: those asked for, in whole steps of the difficulty.</summary>
    public static long UnitsCovered(GuardOptions guard, long units) => Steps(guard, units) * guard.UnitsPerMaxNumber;

    /// <summary>The largest number to try.</summary>
    /// <param name="guard">The settings.</param>
    /// <param name="units">Units that the challenge is for.</param>
    /// <param name="pressure">The greatest pressure on what is asked for.</param>
    public static int LargestNumber(GuardOptions guard, long units, int pressure) => (int)Math.Min(
        guard.LargestNumber, guard.MaxNumber * Steps(guard, units) * Math.Clamp(pressure, 1, MostPressure));

    private static long Steps(GuardOptions guard, long units)
    {
        var (most, per) = (Math.Clamp(units, 1, MostUnits), guard.UnitsPerMaxNumber);
        return (most + per - 1) / per;
    }
}
