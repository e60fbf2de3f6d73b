using Inventory.Contracts;

namespace Inventory.Stock.Tests;

/// <summary>Which texts name a SKU, a customer or a cart. NameRulesTests compares the rule with PostgreSQL's.</summary>
public sealed class NamesTests
{
    [Theory]
    [InlineData("sku-1")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("Größe 38/40")]
    [InlineData("日本")]
    [InlineData("x{y}")]
    [InlineData("cap:1,mug")]
    [InlineData("100%")]
    [InlineData("a\\b")]
    [InlineData("a?b#c")]
    [InlineData("...")]
    [InlineData("'; DROP TABLE")]
    [InlineData("ปู่")]
    [InlineData("ผ้า")]
    [InlineData("কোলা")]
    [InlineData("한국")]
    [InlineData("q\u0307")]
    [InlineData("😀")]
    public void Printable_text_names_a_SKU_a_customer_and_a_cart(string name)
    {
        Assert.True(Names.IsSku(name));
        Assert.True(Names.IsHolderId(name));
        Assert.True(Names.IsHolder(Holder.Customer(name).Text));
        Assert.Equal(name, Holder.ShopperCart("subject", name).Id);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(" a")]
    [InlineData("a ")]
    [InlineData("a\tb")]
    [InlineData("a\nb")]
    [InlineData("a\u0000")]
    [InlineData("a\u007f")]
    [InlineData("a\u0085b")]
    [InlineData("a\u00a0b")]
    [InlineData("a\u00adb")]
    [InlineData("a\u200bb")]
    [InlineData("a\u202eb")]
    [InlineData("a\u2028b")]
    [InlineData("a\ufeff")]
    [InlineData("a\ue000")]
    [InlineData("a\uffff")]
    [InlineData("\u0378")]
    public void Text_that_does_not_show_or_begins_or_ends_with_a_space_names_nothing(string? name)
    {
        Assert.False(Names.IsSku(name));
        Assert.False(Names.IsHolderId(name));
    }

    [Fact]
    public void Half_a_surrogate_pair_names_nothing()
    {
        Assert.False(Names.IsSku("a" + '\ud800'));
        Assert.False(Names.IsSku('\udc00' + "a"));
    }

    [Theory]
    //          not form C           ->  form C
    [InlineData("Gro\u0308ße", "Größe")]
    [InlineData("e\u0301\u0323", "ẹ\u0301")]
    [InlineData("é\u0323", "ẹ\u0301")]
    [InlineData("a\u0301\u0323", "ạ\u0301")]
    [InlineData("\u212b", "Å")]
    [InlineData("\u1112\u1161\u11ab", "한")]
    [InlineData("하\u11ab", "한")]
    [InlineData("ে\u09be", "ো")]
    [InlineData("\u0958", "क\u093c")]
    [InlineData("\uf900", "豈")]
    public void A_name_is_in_form_C(string other, string formC)
    {
        Assert.False(Names.IsSku(other));
        Assert.True(Names.IsSku(formC));
    }

    [Fact]
    public void The_longest_name_is_counted_in_characters_and_in_bytes()
    {
        Assert.True(Names.IsSku(new('a', 64)));
        Assert.False(Names.IsSku(new('a', 65)));
        Assert.True(Names.IsSku(new('ü', 64)));
        Assert.False(Names.IsSku(new('ü', 65)));
        Assert.True(Names.IsSku(new string('日', 42) + "ab"));
        Assert.False(Names.IsSku(new('日', 43)));
        Assert.True(Names.IsSku(string.Concat(Enumerable.Repeat("😀", 32))));
        Assert.False(Names.IsSku(string.Concat(Enumerable.Repeat("😀", 33))));
        Assert.True(Names.IsHolderId(new('ü', 128)));
        Assert.False(Names.IsHolderId(new('ü', 129)));
        Assert.False(Names.IsHolderId(new('a', 129)));
    }

    [Fact]
    public void Names_are_case_sensitive_and_dots_alone_are_no_SKU()
    {
        Assert.NotEqual(Holder.Customer("a"), Holder.Customer("A"));
        Assert.False(Names.IsSku("."));
        Assert.False(Names.IsSku(".."));
        Assert.True(Names.IsHolderId(".."));
    }
}
