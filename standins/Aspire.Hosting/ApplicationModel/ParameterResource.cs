using System.Security.Cryptography;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value from configuration, or a generated one.</summary>
/// <param name="name">The resource's name; the value is read from Parameters:name.</param>
/// <param name="callback">Returns the value; its argument is the default, if there is one.</param>
/// <param name="secret">Whether the value must not be shown.</param>
public class ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false)
    : Resource(name), IExpressionValue
{
    private string? value;

    /// <summary>Whether the value must not be shown.</summary>
    public bool Secret { get; } = secret;

    /// <summary>Where the value comes from when configuration has none.</summary>
    public ParameterDefault? Default { get; set; }

    /// <inheritdoc/>
    public string ValueExpression => $"{{{Name}.value}}";

    /// <inheritdoc/>
    /// <exception cref="DistributedApplicationException">Neither configuration nor a default has one.</exception>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        lock (Annotations)
        {
            value ??= callback(Default);
        }

        return new(value);
    }
}

/// <summary>Where a parameter's value comes from when configuration has none.</summary>
public abstract class ParameterDefault
{
    /// <summary>Returns the value.</summary>
    public abstract string GetDefaultValue();
}

/// <summary>A random value. Without special characters, for these need escaping somewhere.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    /// <summary>The length of the value, at least.</summary>
    public int MinLength { get; set; } = 22;

    /// <summary>Whether special characters are wanted. Servers started here get none.</summary>
    public bool Special { get; set; } = true;

    /// <inheritdoc/>
    public override string GetDefaultValue() => RandomNumberGenerator.GetString(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + (Special ? "-_.!" : ""),
        Math.Max(MinLength, 22));
}
