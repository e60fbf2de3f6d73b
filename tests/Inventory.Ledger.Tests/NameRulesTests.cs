using System.Text;
using Inventory.Contracts;
using Inventory.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Inventory.Ledger.Tests;

/// <summary>PostgreSQL refuses the names that the API refuses, and no others.</summary>
[Collection(OneServer.Name)]
public sealed class NameRulesTests(LedgerDatabases databases)
{
    private const int Seed = 20260930;

    // Letters, separators, spaces, marks of several classes, pairs that compose, and what is no printable character.
    private static readonly int[] Alphabet =
    [
        'a', 'e', 'o', 'A', '0', '.', '-', '/', '%', ':', ',', '{', '}', '\\', ' ', ' ', '\t', 0x7F, 0x85, 0xA0, 0xAD,
        0xE9, 0xFC, 0x3A9, 0x300, 0x301, 0x308, 0x323, 0x327, 0x345, 0x5B0, 0x5BC, 0x64B, 0x651, 0x93C, 0x915, 0x928,
        0x94D, 0x9C7, 0x9BE, 0xBC6, 0xBBE, 0xE1B, 0xE39, 0xE48, 0x1112, 0x1161, 0x11AB, 0xD558, 0xD55C, 0x1E9B, 0x2028,
        0x200B, 0x200D, 0x212B, 0x3000, 0x304B, 0x3099, 0x65E5, 0xE000, 0xF900, 0xFE0F, 0xFEFF, 0xFFFD, 0x110BA,
        0x11131, 0x11127, 0x1D157, 0x1D165, 0x1F600, 0x20BB7, 0x2F800, 0xE0001, 0x10FFFD,
    ];

    [Fact]
    public async Task Both_rules_agree_on_every_character()
    {
        var names = new List<string>();
        for (var code = 1; code <= 0x10FFFF; code++)
        {
            if (Rune.IsValid(code)) names.Add($"a{new Rune(code)}b");
        }

        Assert.Empty(await DifferencesAsync("is_sku(name)", names, Names.IsSku));
    }

    [Fact]
    public async Task Both_rules_agree_on_random_names()
    {
        var random = new Random(Seed);
        var names = new List<string>();
        for (var i = 0; i < 60_000; i++)
        {
            // Mostly short names, where an order of marks matters, and some about as long as a name may be.
            var length = i % 10 == 0 ? random.Next(28, 70) : random.Next(1, 6);
            names.Add(string.Concat(random.GetItems(Alphabet, length).Select(code => new Rune(code))));
        }

        Assert.Empty(await DifferencesAsync("is_sku(name)", names, Names.IsSku));
        Assert.InRange(names.Count(Names.IsSku), 5_000, 55_000);
    }

    [Fact]
    public async Task Both_rules_agree_on_random_holders()
    {
        var random = new Random(Seed);
        string[] begins = ["u:", "c:", "s:", "s:|", "s:subject|", "x:", "", "u", "s:sub\tject|", "s: |"];
        var holders = new List<string>();
        for (var i = 0; i < 20_000; i++)
        {
            var length = i % 10 == 0 ? random.Next(50, 140) : random.Next(0, 5);
            var id = random.GetItems([.. Alphabet, '|', '|'], length).Select(code => new Rune(code));
            holders.Add(begins[i % begins.Length] + string.Concat(id));
        }

        Assert.Empty(await DifferencesAsync("is_holder(name)", holders, Names.IsHolder));
        Assert.InRange(holders.Count(Names.IsHolder), 1_000, 18_000);
    }

    [Theory]
    //          lines                                                  ->  readable
    [InlineData("""[{"sku":"a","quantity":1}]""", true)]
    [InlineData("""[{"sku":"cap:1,mug","quantity":2147483647},{"sku":"ü \"quantity\": 1.5","quantity":1}]""", true)]
    [InlineData("""[]""", false)]
    [InlineData("""{}""", false)]
    [InlineData("\"a:1\"", false)]
    [InlineData("""null""", false)]
    [InlineData("""[[{"sku":"a","quantity":1}]]""", false)]
    [InlineData("""[{"sku":"a"}]""", false)]
    [InlineData("""[{"quantity":1}]""", false)]
    [InlineData("""[{"sku":1,"quantity":1}]""", false)]
    [InlineData("""[{"sku":null,"quantity":1}]""", false)]
    [InlineData("""[{"sku":"","quantity":1}]""", false)]
    [InlineData("""[{"sku":"a","quantity":0}]""", false)]
    [InlineData("""[{"sku":"a","quantity":-1}]""", false)]
    [InlineData("""[{"sku":"a","quantity":1.5}]""", false)]
    [InlineData("""[{"sku":"a","quantity":1.0}]""", false)]
    [InlineData("""[{"sku":"a","quantity":"1"}]""", false)]
    [InlineData("""[{"sku":"a","quantity":2147483648}]""", false)]
    [InlineData("""[{"sku":"a","quantity":1},"b"]""", false)]
    public async Task Lines_that_could_not_be_read_are_refused(string lines, bool readable)
    {
        Assert.Equal(readable, await databases.Shared.ReadAsync<bool>($"SELECT is_lines('{lines}')"));
        Assert.Equal(readable, LinesJson.ReadOrEmpty(lines).Count > 0);
    }

    [Theory]
    //          column and value that break the rule   ->  constraint
    [InlineData("lines", "'[]'", "ck_reservations_lines")]
    [InlineData("holder", "'mug'", "ck_reservations_holder")]
    [InlineData("status", "'sold'", "ck_reservations_status")]
    [InlineData("sequence", "0", "ck_reservations_sequence")]
    [InlineData("partition", "-1", "ck_reservations_partition")]
    public async Task A_reservation_that_could_not_be_read_is_refused(string column, string value, string constraint)
    {
        var row = new Dictionary<string, string>
        {
            ["reservation_id"] = "gen_random_uuid()",
            ["partition"] = "0",
            ["holder"] = "'u:me'",
            ["status"] = "'pending'",
            ["deadline"] = "now()",
            ["lines"] = """'[{"sku":"a","quantity":1}]'""",
            ["sequence"] = "1",
            ["created_at"] = "now()",
            ["updated_at"] = "now()",
        };
        string Insert() =>
            $"INSERT INTO reservations ({string.Join(',', row.Keys)}) VALUES ({string.Join(',', row.Values)})";

        await databases.Shared.ExecuteAsync(Insert());
        row[column] = value;
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => databases.Shared.ExecuteAsync(Insert()));

        Assert.Equal(constraint, refusal.ConstraintName);
    }

    [Fact]
    public async Task A_product_of_before_the_rule_stays_and_does_not_keep_the_services_from_starting()
    {
        var source = databases.Connect(await databases.Server.CreateDatabaseAsync());
        await using var context = LedgerDatabases.Open(source);
        await context.Database.MigrateAsync("20261122053000_SoldEpochs");
        await source.ExecuteAsync("INSERT INTO products (sku_id, name) VALUES ('mug ', 'Mug'), ('cap:1,mug', 'Cap')");

        await LedgerDatabases.Migration(context).ApplyAsync(TimeSpan.Zero, CancellationToken.None);

        Assert.Equal(2, await source.ReadAsync<long>("SELECT count(*) FROM products"));
        Assert.False(await IsValidAsync(source, "ck_products_sku_id"));
        var refusal = await Assert.ThrowsAsync<PostgresException>(() =>
            source.ExecuteAsync("INSERT INTO products (sku_id, name) VALUES ('cup ', 'Cup')"));
        Assert.Equal("ck_products_sku_id", refusal.ConstraintName);
        Assert.True(await IsValidAsync(databases.Shared, "ck_products_sku_id"));
    }

    private static Task<bool> IsValidAsync(NpgsqlDataSource source, string constraint) =>
        source.ReadAsync<bool>($"SELECT convalidated FROM pg_constraint WHERE conname = '{constraint}'");

    /// <summary>The names, at most ten, about which PostgreSQL and C# disagree.</summary>
    private async Task<List<string>> DifferencesAsync(string rule, List<string> names, Func<string, bool> isName)
    {
        var different = new List<string>();
        foreach (var some in names.Chunk(50_000))
        {
            await using var command = databases.Shared.CreateCommand(
                $"SELECT array_agg({rule} ORDER BY place) FROM unnest($1) WITH ORDINALITY AS asked (name, place)");
            command.Parameters.Add(new NpgsqlParameter { Value = some });
            var answers = (bool[])(await command.ExecuteScalarAsync())!;
            different.AddRange(some.Where((name, i) => answers[i] != isName(name)).Select(name =>
                string.Join(' ', name.EnumerateRunes().Select(rune => $"{rune.Value:X}"))));
        }

        return [.. different.Take(10)];
    }
}
