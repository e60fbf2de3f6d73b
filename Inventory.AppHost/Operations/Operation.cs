namespace Inventory.AppHost.Operations;

/// <summary>The common form of this folder's commands.</summary>
internal static class Operation
{
    /// <summary>
    /// Adds a command that shows its progress, can be cancelled, and answers a refusal with the reason. It is enabled
    /// while its resource runs.
    /// </summary>
    public static IResourceBuilder<T> WithOperation<T>(
        this IResourceBuilder<T> builder, string name, string label, string description, string icon,
        Func<InteractionInputCollection, CancellationToken, Task<ExecuteCommandResult>> carryOut,
        IReadOnlyList<InteractionInput>? arguments = null, string? confirmation = null)
        where T : IResource =>
        builder.WithCommand(name, label, async context =>
        {
            try
            {
                return await carryOut(context.Arguments, context.CancellationToken);
            }
            catch (OperationRefusedException refusal)
            {
                return CommandResults.Failure(refusal.Message);
            }
            catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
            {
                return CommandResults.Canceled();
            }
        },
        new CommandOptions
        {
            Description = description,
            IconName = icon,
            ConfirmationMessage = confirmation,
            Arguments = arguments ?? [],
            Progress = new() { Title = label, Message = description },
            UpdateState = context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running
                ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
        });

    /// <summary>
    /// A success in one sentence. The dashboard shows the message of a result, and Aspire's command line its data.
    /// </summary>
    public static ExecuteCommandResult Said(string sentence) =>
        CommandResults.Success(sentence, sentence, CommandResultFormat.Text, displayImmediately: false);
}
