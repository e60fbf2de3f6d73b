using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A text with holes that are filled when the resources start: ports and passwords.</summary>
public class ReferenceExpression : IExpressionValue
{
    /// <summary>The empty text.</summary>
    public static readonly ReferenceExpression Empty = new("", []);

    private readonly IReadOnlyList<object> holes;

    private ReferenceExpression(string format, IReadOnlyList<object> holes)
    {
        Format = format;
        this.holes = holes;
    }

    /// <summary>The text as a composite format string, a numbered item for each hole.</summary>
    public string Format { get; }

    /// <inheritdoc/>
    public string ValueExpression => Fill(hole => ((IManifestExpressionProvider)hole).ValueExpression);

    /// <summary>Makes an expression of an interpolated string.</summary>
    /// <param name="handler">The string, whose holes are value providers.</param>
    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.ToExpression();

    /// <inheritdoc/>
    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var values = new Dictionary<object, string?>(ReferenceEqualityComparer.Instance);
        foreach (var hole in holes)
        {
            values[hole] = await ((IValueProvider)hole).GetValueAsync(cancellationToken).ConfigureAwait(false);
        }

        return Fill(hole => values[hole]);
    }

    private string Fill(Func<object, string?> value) =>
        string.Format(CultureInfo.InvariantCulture, Format, [.. holes.Select(value)]);

    /// <summary>Collects an interpolated string without resolving its holes.</summary>
    [InterpolatedStringHandler]
    public ref struct ExpressionInterpolatedStringHandler
    {
        private readonly StringBuilder format;
        private readonly List<object> holes = [];

        /// <summary>Called by the compiler.</summary>
        /// <param name="literalLength">Characters outside the holes.</param>
        /// <param name="formattedCount">Number of holes.</param>
        public ExpressionInterpolatedStringHandler(int literalLength, int formattedCount) =>
            format = new StringBuilder(literalLength + (formattedCount * 3));

        /// <summary>Adds text between holes.</summary>
        public readonly void AppendLiteral(string value) =>
            format.Append(value.Replace("{", "{{", StringComparison.Ordinal)
                .Replace("}", "}}", StringComparison.Ordinal));

        /// <summary>Adds a text that is known already.</summary>
        public readonly void AppendFormatted(string? value) => AppendLiteral(value ?? "");

        /// <summary>Adds a hole.</summary>
        /// <typeparam name="T">What fills it.</typeparam>
        public readonly void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider
        {
            format.Append(CultureInfo.InvariantCulture, $"{{{holes.Count}}}");
            holes.Add(valueProvider);
        }

        /// <summary>Adds a hole that a resource fills, such as a parameter.</summary>
        /// <typeparam name="T">The resource's type.</typeparam>
        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider, IManifestExpressionProvider => AppendFormatted(valueProvider.Resource);

        internal readonly ReferenceExpression ToExpression() => new(format.ToString(), holes);
    }
}
