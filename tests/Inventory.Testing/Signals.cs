namespace Inventory.Testing;

/// <summary>Signal numbers. The signals that freeze and thaw have other numbers on macOS than on Linux.</summary>
internal static class Signals
{
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Kill = 9;
    public const int Terminate = 15;

    public static int Stop { get; } = OperatingSystem.IsMacOS() ? 17 : 19;

    public static int Continue { get; } = OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>setpriv's name of a signal that is used as a parent-death signal.</summary>
    public static string Name(int signal) => signal switch
    {
        Quit => "QUIT",
        Kill => "KILL",
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, "Not used as a parent-death signal."),
    };
}
