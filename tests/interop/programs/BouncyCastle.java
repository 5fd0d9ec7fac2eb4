// OpenPGP by BouncyCastle: generate EMAIL, cert, encrypt CERT [KEY], decrypt KEY [CERT].

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.Date;
import java.util.Iterator;
import org.bouncycastle.bcpg.ArmoredOutputStream;
import org.bouncycastle.bcpg.HashAlgorithmTags;
import org.bouncycastle.bcpg.SymmetricKeyAlgorithmTags;
import org.bouncycastle.bcpg.sig.KeyFlags;
import org.bouncycastle.crypto.generators.RSAKeyPairGenerator;
import org.bouncycastle.crypto.params.RSAKeyGenerationParameters;
import org.bouncycastle.openpgp.*;
import org.bouncycastle.openpgp.bc.BcPGPObjectFactory;
import org.bouncycastle.openpgp.operator.bc.*;
import org.bouncycastle.openpgp.operator.PGPDigestCalculator;

public class BouncyCastle {
    private static final int SHA256 = HashAlgorithmTags.SHA256;

    public static void main(String[] said) throws Exception {
        OutputStream out = System.out;
        switch (said[0]) {
            case "generate": generate(said[1], out); break;
            case "cert": cert(out); break;
            case "encrypt": encrypt(said[1], said.length > 2 ? said[2] : null, out); break;
            default: decrypt(said[1], said.length > 2 ? said[2] : null, out);
        }
        out.flush();
    }

    private static PGPKeyPair pair() throws Exception {
        RSAKeyPairGenerator generator = new RSAKeyPairGenerator();
        generator.init(new RSAKeyGenerationParameters(
            BigInteger.valueOf(65537), new SecureRandom(), 3072, 80));
        return new BcPGPKeyPair(PGPPublicKey.RSA_GENERAL, generator.generateKeyPair(), new Date());
    }

    private static PGPSignatureSubpacketVector flags(int flags) {
        PGPSignatureSubpacketGenerator made = new PGPSignatureSubpacketGenerator();
        made.setKeyFlags(false, flags);
        made.setPreferredSymmetricAlgorithms(false, new int[] {SymmetricKeyAlgorithmTags.AES_256});
        made.setPreferredHashAlgorithms(false, new int[] {SHA256});
        return made.generate();
    }

    private static void generate(String email, OutputStream out) throws Exception {
        PGPDigestCalculator sha1 =
            new BcPGPDigestCalculatorProvider().get(HashAlgorithmTags.SHA1);
        PGPKeyPair primary = pair();
        PGPKeyRingGenerator ring = new PGPKeyRingGenerator(
            PGPSignature.POSITIVE_CERTIFICATION, primary, "bc <" + email + ">", sha1,
            flags(KeyFlags.CERTIFY_OTHER | KeyFlags.SIGN_DATA), null,
            new BcPGPContentSignerBuilder(primary.getPublicKey().getAlgorithm(), SHA256), null);
        ring.addSubKey(pair(), flags(KeyFlags.ENCRYPT_COMMS | KeyFlags.ENCRYPT_STORAGE), null);
        try (ArmoredOutputStream armored = new ArmoredOutputStream(out)) {
            ring.generateSecretKeyRing().encode(armored);
        }
    }

    private static PGPSecretKeyRing secret(InputStream in) throws Exception {
        return new PGPSecretKeyRing(
            PGPUtil.getDecoderStream(in), new BcKeyFingerprintCalculator());
    }

    private static PGPPublicKeyRing open(String path) throws Exception {
        return new PGPPublicKeyRing(
            PGPUtil.getDecoderStream(new FileInputStream(path)), new BcKeyFingerprintCalculator());
    }

    private static void cert(OutputStream out) throws Exception {
        try (ArmoredOutputStream armored = new ArmoredOutputStream(out)) {
            for (Iterator<PGPPublicKey> keys = secret(System.in).getPublicKeys(); keys.hasNext();) {
                keys.next().encode(armored);
            }
        }
    }

    private static PGPPrivateKey unlocked(PGPSecretKey key) throws Exception {
        return key.extractPrivateKey(
            new BcPBESecretKeyDecryptorBuilder(new BcPGPDigestCalculatorProvider())
                .build(new char[0]));
    }

    private static boolean encrypts(PGPPublicKey key) {
        for (Iterator<PGPSignature> all = key.getSignatures(); all.hasNext();) {
            PGPSignatureSubpacketVector said = all.next().getHashedSubPackets();
            if (said != null && (said.getKeyFlags() & KeyFlags.ENCRYPT_STORAGE) != 0) return true;
        }
        return false;
    }

    private static void encrypt(String cert, String signer, OutputStream out) throws Exception {
        byte[] data = System.in.readAllBytes();
        PGPEncryptedDataGenerator encryptor = new PGPEncryptedDataGenerator(
            new BcPGPDataEncryptorBuilder(SymmetricKeyAlgorithmTags.AES_256)
                .setWithIntegrityPacket(true));
        for (PGPPublicKey key : open(cert)) {
            if (encrypts(key)) {
                encryptor.addMethod(new BcPublicKeyKeyEncryptionMethodGenerator(key));
            }
        }
        ByteArrayOutputStream inside = new ByteArrayOutputStream();
        PGPSignatureGenerator signature = null;
        if (signer != null) {
            PGPSecretKey key = secret(new FileInputStream(signer)).getSecretKey();
            signature = new PGPSignatureGenerator(
                new BcPGPContentSignerBuilder(key.getPublicKey().getAlgorithm(), SHA256));
            signature.init(PGPSignature.BINARY_DOCUMENT, unlocked(key));
            signature.generateOnePassVersion(false).encode(inside);
            signature.update(data);
        }
        OutputStream literal = new PGPLiteralDataGenerator().open(
            inside, PGPLiteralData.BINARY, "", data.length, new Date());
        literal.write(data);
        literal.close();
        if (signature != null) signature.generate().encode(inside);
        OutputStream encrypted = encryptor.open(out, inside.size());
        inside.writeTo(encrypted);
        encrypted.close();
    }

    private static void decrypt(String path, String signer, OutputStream out) throws Exception {
        PGPSecretKeyRing ring = secret(new FileInputStream(path));
        PGPObjectFactory packets =
            new BcPGPObjectFactory(PGPUtil.getDecoderStream(System.in));
        PGPEncryptedDataList list = null;
        while (list == null) {
            Object packet = packets.nextObject();
            if (packet instanceof PGPEncryptedDataList) list = (PGPEncryptedDataList) packet;
        }
        PGPPublicKeyEncryptedData mine = null;
        for (PGPEncryptedData one : list) {
            PGPPublicKeyEncryptedData to = (PGPPublicKeyEncryptedData) one;
            if (ring.getSecretKey(to.getKeyID()) != null) mine = to;
        }
        InputStream plain = mine.getDataStream(new BcPublicKeyDataDecryptorFactory(
            unlocked(ring.getSecretKey(mine.getKeyID()))));
        PGPObjectFactory inside = new BcPGPObjectFactory(plain);
        PGPOnePassSignature begun = null;
        boolean good = false;
        byte[] data = null;
        for (Object packet; (packet = inside.nextObject()) != null;) {
            if (packet instanceof PGPCompressedData) {
                inside = new BcPGPObjectFactory(((PGPCompressedData) packet).getDataStream());
            } else if (packet instanceof PGPOnePassSignatureList && signer != null) {
                begun = ((PGPOnePassSignatureList) packet).get(0);
                begun.init(new BcPGPContentVerifierBuilderProvider(),
                    open(signer).getPublicKey(begun.getKeyID()));
            } else if (packet instanceof PGPLiteralData) {
                data = ((PGPLiteralData) packet).getInputStream().readAllBytes();
                if (begun != null) begun.update(data);
            } else if (packet instanceof PGPSignatureList && begun != null) {
                good = begun.verify(((PGPSignatureList) packet).get(0));
            }
        }
        if (!mine.verify()) throw new PGPException("altered");
        if (signer != null && !good) throw new PGPException("the signature is bad");
        out.write(data);
    }
}
