using System.Runtime.InteropServices;

namespace Aspire.Hosting.Processes;

/// <summary>Signals, by their numbers.</summary>
internal enum Signal
{
    Interrupt = 2,
    Quit = 3,
    Kill = 9,
    Terminate = 15,
}

internal static class Signals
{
    /// <summary>Sends a signal. A process that has ended already is no error.</summary>
    public static void Send(int processId, Signal signal) => _ = Kill(processId, (int)signal);

    /// <summary>Whether the AppHost runs as root.</summary>
    public static bool IsRoot => EffectiveUser() == 0;

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int processId, int signal);

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint EffectiveUser();
}
