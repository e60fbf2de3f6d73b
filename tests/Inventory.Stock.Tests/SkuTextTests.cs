using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>The stored form of a SKU never contains a separator, and names one SKU.</summary>
public sealed class SkuTextTests
{
    [Theory]
    //          SKU                   ->  stored form
    [InlineData("sku-1", "sku-1")]
    [InlineData("A._-9", "A._-9")]
    [InlineData("cap:1,mug", "cap%3A1%2Cmug")]
    [InlineData("x{y}", "x%7By%7D")]
    [InlineData("a b", "a%20b")]
    [InlineData("100%", "100%25")]
    [InlineData("a%2Cb", "a%252Cb")]
    [InlineData("a/b+c?d#e\\f", "a/b+c?d#e\\f")]
    [InlineData("Größe 日本 😀", "Größe%20日本%20😀")]
    public void A_SKU_has_one_stored_form(string sku, string stored)
    {
        Assert.Equal(stored, SkuText.Escape(sku));
        Assert.Equal(sku, SkuText.Unescape(stored));
    }

    [Theory]
    [InlineData("a%2cb")]
    [InlineData("a%41")]
    [InlineData("a%")]
    [InlineData("a%2")]
    [InlineData("a%zz")]
    [InlineData("a b")]
    public void A_text_that_no_script_writes_is_no_other_SKU(string text) => Assert.Equal(text, SkuText.Unescape(text));

    [Fact]
    public void No_SKU_brings_in_a_separator()
    {
        var random = new Random(20260930);
        const string Alphabet = "ab:,%{} 25cC3A/+ü日\t\n";
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < 20_000; i++)
        {
            var sku = new string(random.GetItems(Alphabet.AsSpan(), random.Next(1, 9)));
            var stored = SkuText.Escape(sku);

            Assert.DoesNotContain(stored, one => one is ':' or ',' or ' ' or '{' or '}' || char.IsControl(one));
            Assert.Equal(sku, SkuText.Unescape(stored));
            if (seen.TryGetValue(stored, out var other)) Assert.Equal(sku, other);
            seen[stored] = sku;
        }
    }

    [Fact]
    public void Lines_are_read_as_they_were_written()
    {
        Line[] lines = [new("cap:1,mug", 2), new("100%", int.MaxValue), new("sku-1", 1)];

        Assert.Equal("cap%3A1%2Cmug:2,100%25:2147483647,sku-1:1", LinesText.Write(lines));
        Assert.Equal(lines, LinesText.Read(LinesText.Write(lines)));
        Assert.Empty(LinesText.Read(""));
    }

    [Fact]
    public void Units_are_told_in_ASCII_and_as_many_as_fit()
    {
        Dictionary<string, long> units = new() { ["Größe 38/40,x=1"] = 3, ["sku-1"] = 2 };

        var all = TakenUnitsText.Write(units, 100);

        Assert.Equal("Gr%C3%B6%C3%9Fe%2038%2F40%2Cx%3D1=3,sku-1=2", all);
        Assert.Equal([("Größe 38/40,x=1", 3), ("sku-1", 2)], TakenUnitsText.Read(all));
        Assert.Equal(all.Split(',')[0], TakenUnitsText.Write(units, all.Length - 1));
        Assert.Equal(all, TakenUnitsText.Write(units, all.Length));
    }
}
