using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using Pipelines.Sockets.Unofficial;
using StackExchange.Redis;

namespace Standins.Pipelines.Tests;

public class SurfaceTests
{
    private static readonly string Standin = typeof(SocketConnection).Assembly.GetName().Name!;

    [Fact]
    public void Everything_that_the_client_is_compiled_against_exists_with_its_signature()
    {
        Module client = typeof(ConnectionMultiplexer).Module;
        using var file = new PEReader(File.OpenRead(client.Assembly.Location));
        MetadataReader metadata = file.GetMetadataReader();
        var missing = new List<string>();
        int bound = 0;
        foreach (int token in TypesOf(metadata).Concat(MembersOf(metadata)))
        {
            try
            {
                // The arguments only close what is open: no signature depends on what they are.
                MemberInfo? member = client.ResolveMember(token, [typeof(EventArgs)], [typeof(EventArgs)]);
                Type? owner = member as Type ?? member?.DeclaringType;
                if (owner?.Assembly == typeof(SocketConnection).Assembly) bound++;
            }
            catch (Exception e) when (e is MissingMemberException or TypeLoadException)
            {
                missing.Add(e.Message);
            }
        }

        Assert.Empty(missing);
        Assert.True(bound >= 24, $"Only {bound} references led to {Standin}: the test looks in the wrong place.");
    }

    [Fact]
    public void What_the_client_calls_through_an_interface_is_implemented()
    {
        // A loop over a struct enumerator disposes it by a constrained call, which no member reference tells of.
        Module client = typeof(ConnectionMultiplexer).Module;
        using var file = new PEReader(File.OpenRead(client.Assembly.Location));
        MetadataReader metadata = file.GetMetadataReader();
        int calls = 0;
        foreach (MethodDefinitionHandle handle in metadata.MethodDefinitions)
        {
            int address = metadata.GetMethodDefinition(handle).RelativeVirtualAddress;
            if (address == 0) continue;
            foreach ((int type, int method) in ConstrainedCalls(file.GetMethodBody(address).GetILBytes()!))
            {
                EntityHandle typeHandle = MetadataTokens.EntityHandle(type);
                if (!IsOurs(metadata, typeHandle)) continue;
                Type on = client.ResolveType(type, [typeof(EventArgs)], [typeof(EventArgs)]);
                Type called = client.ResolveMethod(method, [typeof(EventArgs)], [typeof(EventArgs)])!.DeclaringType!;
                Assert.True(called.IsAssignableFrom(on), $"{on} is no {called}.");
                calls++;
            }
        }

        Assert.NotEqual(0, calls);
    }

    [Fact]
    public void The_assembly_is_not_older_than_the_client_asks_for()
    {
        AssemblyName asked = typeof(ConnectionMultiplexer).Assembly.GetReferencedAssemblies()
            .Single(reference => reference.Name == Standin);

        Assert.True(typeof(SocketConnection).Assembly.GetName().Version >= asked.Version);
    }

    private static IEnumerable<(int Type, int Method)> ConstrainedCalls(byte[] code)
    {
        const int callvirt = 0x6f;
        for (int i = 0; i + 11 <= code.Length; i++)
        {
            if (code[i] != 0xfe || code[i + 1] != 0x16 || code[i + 6] != callvirt) continue;
            yield return (BitConverter.ToInt32(code, i + 2), BitConverter.ToInt32(code, i + 7));
        }
    }

    private static IEnumerable<int> TypesOf(MetadataReader metadata) =>
        from handle in metadata.TypeReferences
        where IsOurs(metadata, handle)
        select MetadataTokens.GetToken(handle);

    private static IEnumerable<int> MembersOf(MetadataReader metadata) =>
        from handle in metadata.MemberReferences
        let parent = metadata.GetMemberReference(handle).Parent
        where IsOurs(metadata, parent)
        select MetadataTokens.GetToken(handle);

    private static bool IsOurs(MetadataReader metadata, EntityHandle handle)
    {
        if (handle.Kind == HandleKind.TypeSpecification)
        {
            var specification = metadata.GetTypeSpecification((TypeSpecificationHandle)handle);
            BlobReader signature = metadata.GetBlobReader(specification.Signature);
            if (signature.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return false;
            signature.ReadCompressedInteger();
            handle = signature.ReadTypeHandle();
        }

        if (handle.Kind != HandleKind.TypeReference) return false;
        EntityHandle scope = metadata.GetTypeReference((TypeReferenceHandle)handle).ResolutionScope;
        return scope.Kind == HandleKind.TypeReference
            ? IsOurs(metadata, scope)
            : scope.Kind == HandleKind.AssemblyReference && metadata.GetString(
                metadata.GetAssemblyReference((AssemblyReferenceHandle)scope).Name) == Standin;
    }
}
